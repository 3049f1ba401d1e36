"""The installed wheel, not the checkout: it must hold every manifest, recipe and template."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder that holds what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    left_out = shutil.ignore_patterns(".venv", ".git", "runs", "build", "*.egg-info", "__pycache__")
    shutil.copytree(HERE, folder / "source", ignore=left_out)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, "."]
    done = subprocess.run(command, cwd=folder / "source", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(site, folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("INDOMAIN_DATA", None)
    command = [sys.executable, "-m", "indomain", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_everything_shipped_travels(site, tmp_path):
    for folder in ("data_manifests", "recipes"):
        expected = {path.relative_to(HERE / folder) for path in (HERE / folder).rglob("*.toml")}
        found = {
            path.relative_to(site / "indomain/shipped" / folder)
            for path in site.rglob("*.toml")
            if folder in path.parts
        }
        assert found == expected
    assert (site / "report/page.html.jinja").is_file()
    listed = run(site, tmp_path, "data", "list")
    assert listed.returncode == 0 and "phantom" in listed.stdout and "mura " in listed.stdout


def test_a_recipe_runs_from_an_empty_folder(site, tmp_path):
    settings = ["size=32", 'backbones=["squeezenet"]', "seeds=[0]", "explain.images=0", "finetune.epochs=1"]
    settings += ["pretrain.supervised.epochs=1", "fusion.classifiers=[]", "report.samples=200"]
    words = [part for setting in settings for part in ("--set", setting)]
    done = run(site, tmp_path, "run", "quickstart", "--cache-dir", str(tmp_path / "cache"), *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/quickstart/report.html").is_file()
