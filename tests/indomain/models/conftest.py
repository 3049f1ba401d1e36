"""A finished recipe, and the models exported from it."""

import shutil
from pathlib import Path

import pytest

from tests.whole.in_folder import run_in


@pytest.fixture(scope="session")
def command(cache_dir):
    """Runs a command in a folder with the finished recipe; returns exit status, standard output and standard error."""

    def run(here: Path, *words: object) -> tuple[int, str, str]:
        # These read no data set.
        needs_none = words[0] == "models" and words[1] != "export"
        return run_in(here, None if needs_none else cache_dir, *words)

    return run


@pytest.fixture(scope="session")
def ran(finished, cache_dir, tmp_path_factory) -> Path:
    """A folder with the finished recipe, whose classifiers are kept, and with a folder of new images."""
    here = tmp_path_factory.mktemp("models") / "here"
    shutil.copytree(finished, here)
    (here / "kept.toml").write_text(
        (here / "tiny.toml").read_text().replace('["linear-svm"]', '["linear-svm"]\nsave = ["linear-svm"]')
    )
    status, _, err = run_in(here, cache_dir, "run", "kept.toml")
    assert status == 0, err
    return here


@pytest.fixture(scope="session")
def network(ran, command) -> Path:
    """The folder of an exported network."""
    words = [
        "--chain",
        "in-domain",
        "--method",
        "full",
        "--output",
        ran / "network",
        "--name",
        "net",
        "--licence",
        "CC-BY-4.0",
    ]
    status, out, err = command(ran, "models", "export", "kept.toml", *words)
    assert status == 0 and "net, normal, abnormal" in out, err
    return ran / "network"


@pytest.fixture(scope="session")
def classifier(ran, command) -> Path:
    """The folder of an exported classifier on a network's features."""
    words = ["--chain", "imagenet", "--method", "features: linear-svm", "--output", ran / "svm", "--name", "svm"]
    status, _, err = command(ran, "models", "export", "kept.toml", *words)
    assert status == 0, err
    return ran / "svm"


@pytest.fixture(scope="session")
def images(ran, cache_dir) -> Path:
    """A folder with the wrists of the recipe as files at the prepared size, and one that is noise."""
    import numpy as np
    from PIL import Image

    from indomain.data.manifest import load_manifest
    from indomain.data.preparing import prepare

    manifest, _ = load_manifest(str(ran / "small.toml"))
    prepared = prepare(manifest, ran, cache_dir, (32, 32), quiet=True).part("wrist")
    folder = ran / "new"
    folder.mkdir()
    stored = prepared.images()
    for row in prepared.index().itertuples():
        name = row.id.replace("/", "_")
        Image.fromarray(stored[row.row]).save(folder / f"{row.patient}__{name}.png")
    noise = np.random.default_rng(0).integers(0, 256, (32, 32)).astype(np.uint8)
    Image.fromarray(noise).save(folder / "x__noise.png")
    (folder / "x__torn.png").write_bytes(b"\x89PNG torn")
    return folder
