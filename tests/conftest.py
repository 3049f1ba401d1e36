"""What the tests share: the folder of real images, small phantom sets, and commands run in a folder of their own."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HERE = Path(__file__).resolve().parent.parent

SMALL_MANIFEST = """
name = "small"
title = "Small phantom"
synthetic = true
subset_by = "body_part"
[read]
reader = "phantom"
patients = 16
[images]
channels = "grey"
[labels]
classes = { normal = ["normal"], abnormal = ["abnormal"] }
positive = "abnormal"
"""
TINY = """
title = "Tiny"
size = 32
seeds = [0, 1]
backbones = ["squeezenet"]
drop_leaks = true
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "official", validation = 0.25 }
[sources.others]
set = "small.toml:all-but-wrist"
[baseline]
backbones = []
[chains]
imagenet = ["imagenet"]
in-domain = ["imagenet", "others:supervised"]
[pretrain]
seeds = "one"
[pretrain.supervised]
epochs = 1
[finetune]
epochs = 2
C = 0.1
strategies = ["full", "off-the-shelf"]
[fusion]
classifiers = ["linear-svm"]
[explain]
images = 2
samples = 60
segments = 16
[report]
"""


def real_data() -> Path:
    return Path(os.environ.get("INDOMAIN_DATA") or HERE.parent / "shared" / "data")


def pytest_collection_modifyitems(config, items):
    if real_data().is_dir() or os.environ.get("INDOMAIN_REQUIRE_REAL"):
        return
    missing = pytest.mark.skip(reason="no real images; set INDOMAIN_DATA to a folder of them")
    for item in items:
        if "real" in item.keywords:
            item.add_marker(missing)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real images."""
    assert real_data().is_dir(), f"INDOMAIN_REQUIRE_REAL is set, but there are no real images at {real_data()}"
    return real_data()


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory) -> Path:
    """Prepared sets, shared by all tests of a session."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def phantom_set(cache_dir):
    """A small prepared phantom set: 12 patients for each of seven parts, 32 × 32."""
    from indomain.data.manifest import load_manifest
    from indomain.data.preparing import prepare

    manifest, _ = load_manifest("phantom")
    read = manifest.read.model_copy(update={"patients": 12})
    return prepare(manifest.model_copy(update={"read": read}), Path("none"), cache_dir, (32, 32), quiet=True)


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder to run commands in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INDOMAIN_DATA", raising=False)
    return tmp_path


@pytest.fixture
def indomain(here, cache_dir, capsys):
    """Runs a command of `indomain` in this process; returns exit status, standard output and standard error."""
    from indomain.commands.cli import main

    def run(*arguments: str) -> tuple[int, str, str]:
        words = [str(argument) for argument in arguments]
        # Prepared sets are shared between tests; runs are each test's own.
        takes_cache = words[0] in ("run", "plan", "advise", "predict") or words[:2] in (
            ["data", "check"],
            ["data", "prepare"],
        )
        status = main([*words, "--cache-dir", str(cache_dir)] if takes_cache else words)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def small_manifest(here) -> Path:
    """A phantom of 16 patients a part, as a user's own manifest."""
    path = here / "small.toml"
    path.write_text(SMALL_MANIFEST)
    return path


@pytest.fixture
def small_recipe(small_manifest) -> Path:
    """The whole path in seconds: two chains, one backbone, one fusion, one explanation."""
    path = small_manifest.parent / "tiny.toml"
    path.write_text(TINY)
    return path


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone with a path, among all processes of the session."""
    with open(path.with_name(f"{path.name}.lock"), "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def finished(tmp_path_factory, cache_dir) -> Path:
    """A folder with the small recipe and its finished runs, made once for all workers; to be copied, never changed."""
    from indomain.commands.cli import main

    # Workers of pytest-xdist share the folder above their own; a session without them has only its own.
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    with locked(folder):
        if not (folder / "made").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            (folder / "small.toml").write_text(SMALL_MANIFEST)
            (folder / "tiny.toml").write_text(TINY)
            with contextlib.chdir(folder):
                assert main(["run", "tiny.toml", "--cache-dir", str(cache_dir)]) == 0
            (folder / "made").touch()
    return folder


@pytest.fixture
def finished_here(here, finished) -> Path:
    """The folder to run commands in, with a copy of the finished small recipe that a test may change."""
    shutil.copytree(finished, here, dirs_exist_ok=True)
    return here


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Advice of two small networks and fewer folds, so that it takes seconds."""
    monkeypatch.setenv("INDOMAIN_MODELS", str(tmp_path / "none"))
    monkeypatch.setattr("advice.beginnings.IMAGENET", {"squeezenet": 32})
    monkeypatch.setattr("advice.beginnings.RANDOM", ("squeezenet", 32))
    monkeypatch.setattr("advice.command.REPEATS", 2)
    monkeypatch.setattr("advice.finalists.minutes_of", lambda *arguments: 7.0)
