"""Every command that the pages show, run on phantoms and made folders in the order in which a reader meets them."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from distributed import LocalCluster

from benchmarks import pages
from indomain.commands.cli import main
from indomain.data.images import phantom
from tests.advice.test_command import leave_images
from tests.conftest import SMALL_MANIFEST, TINY
from tests.indomain.data.made import image, save
from tests.whole.test_given_features import write_features
from tests.whole.test_pages import PAGES
from tests.whole.test_pools import papers_data

PROGRAMS = ("indomain", "make", "pip", "python", "apt", "dask", "tensorboard", "eval")
# Commands of other programs, and those that would change the machine.
NOT_RUN = {
    "pip install .": "tests/whole/test_wheel.py installs the wheel",
    "apt install libjemalloc2": "the system's",
    "dask scheduler": "dask's",
    "dask worker": "dask's",
    "tensorboard": "TensorBoard's",
    "python docs/features/from_transformers.py": "needs PyTorch; tests/whole/test_given_features.py runs keras-hub's",
}
# Minutes to days of training: these are planned, so that all but the work is checked.
PLANNED = ("run quickstart", "run alammar2023/humerus", "run mini/skin")
# The recipe that the pages call mine.toml is the small one, which is finished; those of some pages differ.
LESIONS = """
title = "Lesions"
size = 32
seeds = [0]
backbones = ["squeezenet"]
[targets.lesions]
set = "ham10000"
split = { scheme = "kfold", folds = 3 }
[chains]
imagenet = ["imagenet"]
"""
TWO_NETWORKS = (
    TINY.replace('["squeezenet"]', '["squeezenet", { name = "squeezenet", size = 48, chains = ["imagenet"] }]')
    .replace("seeds = [0, 1]", "seeds = [0]")
    .replace('["full", "off-the-shelf"]', '["full"]')
    .replace('classifiers = ["linear-svm"]', 'classifiers = ["linear-svm"]\nsave = ["linear-svm"]')
    .replace("images = 2", "images = 0")
)
MINE = {
    "README.md": TINY.replace("in-domain =", "imagenet-dermoscopy ="),
    "docs/data.md": LESIONS,
    "docs/models.md": TWO_NETWORKS,
}
# Commands on somebody else's model, and on a machine that has not got it.
MODELS = {"predict lesions": "theirs", "models import": "new"}
HEAD = "tcp://head:8786"
THREAD = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0", "protocol": "tcp://"}


def shown(page: Path) -> list[str]:
    """The command lines in a page's blocks, comments taken off and continued lines joined."""
    lines, block = [], None
    for line in page.read_text().replace("\\\n", " ").splitlines():
        if line.startswith("```"):
            block = line[3:] if block is None else None
        elif block in ("", "bash") and line.startswith(tuple(f"{program} " for program in PROGRAMS)):
            lines.append(re.sub(r"\s+#.*", "", line))
    return lines


def called(page: Path) -> str:
    return str(page.relative_to(pages.ROOT))


@pytest.fixture
def reader(here, finished):
    """The folder of somebody who reads the pages: images, a finished recipe, sets in ~/data."""
    shutil.copytree(finished / "runs", here / "runs")
    (here / "small.toml").write_text(SMALL_MANIFEST)
    (here / "mine.toml").write_text(TINY)
    leave_images(here / "path/to/my_images")
    for number in range(3):
        for folder in ("new_images", "path/to/images"):
            save(here / f"{folder}/p{number}_a.png", image(number, (48, 48)))
    phantom.write_mura(here / "data", patients=12, size=(48, 48))
    papers_data(here / "data")
    return here


@pytest.fixture
def run(reader, few, cache_dir, data_dir, monkeypatch):
    """Runs a command in the reader's folder; `few` makes advice of small networks."""
    for path in data_dir.glob("*.npz"):
        (reader / "data" / path.name).symlink_to(path)
    monkeypatch.setenv("INDOMAIN_DATA", str(reader / "data"))
    monkeypatch.setenv("INDOMAIN_CACHE", str(cache_dir))

    def run(*words: str, models: str = "models") -> None:
        monkeypatch.setenv("INDOMAIN_MODELS", str(reader / models))
        assert main(list(words)) == 0, words

    return run


def prepared(name: str, reader: Path, run) -> None:
    """What a page takes as given."""
    (reader / "mine.toml").write_text(MINE.get(name, TINY))
    if name == "docs/advice.md":
        run("data", "export", "mura/humerus", "--output", "exported")
        index = pd.read_csv(reader / "exported/images.csv", dtype=str)
        write_features(reader / "dinov2.npz", reader / "exported", index)
    if name == "docs/models.md":  # its model is a colleague's first
        run("run", "mine.toml")
        words = ["--chain", "in-domain", "--method", "full", "--name", "lesions"]
        run("models", "export", "mine.toml", *words, models="theirs")
        run("models", "export", "mine.toml", *words, "--zip")


@pytest.mark.real
@pytest.mark.parametrize("page", [page for page in PAGES if shown(page)], ids=called)
def test_the_commands_of_a_page_run(page, reader, run, capsys):
    prepared(called(page), reader, run)
    for line in shown(page):
        if line.startswith(tuple(NOT_RUN)):
            continue
        program, *words = shlex.split(line.replace("~", str(reader)).replace("/shared", str(reader)))
        if program == "make":
            subprocess.run(["make", "--dry-run", *words], cwd=pages.ROOT, check=True, capture_output=True)
            continue
        if program == "eval":
            words = words[0].removeprefix("$(indomain ").removesuffix(")").split()
        if ">" in words:
            words, file = words[:-2], reader / words[-1]
            capsys.readouterr()
            run(*words)
            file.write_text(capsys.readouterr().out)
            continue
        if " ".join(words).startswith(PLANNED):
            words = ["plan", *words[1:]]
            if HEAD in words:  # a plan asks no cluster
                del words[words.index("--cluster") : words.index(HEAD) + 1]
        if HEAD in words:
            with LocalCluster(**THREAD) as cluster:
                run(*[word.replace(HEAD, cluster.scheduler_address) for word in words])
        else:
            run(*words, models=MODELS.get(" ".join(words[:2]), "models"))
