"""What tests of whole recipes share."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.forking import Parent
from tests.whole.small import LESS


@pytest.fixture(scope="session")
def forked() -> Iterator[Parent]:
    """Runs commands in processes of their own; only the first pays TensorFlow's import."""
    parent = Parent()
    yield parent
    parent.close()


@pytest.fixture(scope="session")
def unbroken(finished, cache_dir, tmp_path_factory) -> Path:
    """The runs folder of the smaller recipe, that nothing happened to; not to be changed."""
    from indomain.commands.cli import main

    here = tmp_path_factory.mktemp("unbroken")
    shutil.copytree(finished, here, dirs_exist_ok=True)
    with contextlib.chdir(here):
        assert main(["run", "tiny.toml", *LESS, "--cache-dir", str(cache_dir)]) == 0
    return here / "runs"
