"""The installed wheel, not the checkout: it must hold every manifest, recipe and template."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from indomain.runs.stages import STAGES
from tests.whole.small import settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """A folder that holds what the wheel installs."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*STAGES, "advice", "indomain", "data_manifests", "recipes", "weights"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source" / name)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, "."]
    done = subprocess.run(command, cwd=folder / "source", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


# An editable installation of the checkout would lend the wheel what it lacks.
PROGRAM = """
import runpy, sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "").lower()]
runpy.run_module("indomain", run_name="__main__")
"""


def run(site, folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    environment.pop("INDOMAIN_DATA", None)
    command = [sys.executable, "-c", PROGRAM, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("shelf", ["data_manifests", "recipes", "weights"])
def test_everything_shipped_travels(site, shelf):
    expected = {path.relative_to(ROOT / shelf) for path in (ROOT / shelf).rglob("*.toml")}
    found = {
        path.relative_to(site / "indomain/shipped" / shelf) for path in (site / "indomain").rglob(f"{shelf}/**/*.toml")
    }
    assert expected and found == expected


def test_every_module_travels_with_the_pages_template_and_no_test(site):
    rooms = ("indomain", "advice", *STAGES)
    expected = {path.relative_to(ROOT) for room in rooms for path in (ROOT / room).rglob("*.py")}
    found = {path.relative_to(site) for path in site.rglob("*.py")}
    assert expected <= found and (site / "report/page.html.jinja").is_file()
    assert {path.parts[0] for path in found} == set(rooms)


def test_the_data_sets_are_listed_from_an_empty_folder(site, tmp_path):
    listed = run(site, tmp_path, "data", "list")
    assert listed.returncode == 0 and "phantom" in listed.stdout and "mura " in listed.stdout


def test_a_shipped_recipe_runs_from_an_empty_folder(site, tmp_path):
    words = [
        "size=32",
        "baseline.backbones=[]",
        'backbones=["squeezenet"]',
        "seeds=[0]",
        "explain.images=0",
        "fusion.classifiers=[]",
    ]
    words += ['finetune.strategies=["off-the-shelf"]', 'chains={imagenet=["imagenet"]}']
    done = run(site, tmp_path, "run", "quickstart", "--cache-dir", str(tmp_path / "cache"), *settings(*words))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/quickstart/report.html").is_file()
