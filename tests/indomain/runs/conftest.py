"""What tests of runs share: a stage that does next to nothing, found by its name like any other."""

from pathlib import Path

import pytest

from indomain.runs.folder import RunsFolder
from tests.indomain.runs import noting


@pytest.fixture(autouse=True)
def stage(monkeypatch) -> None:
    """The stage `noting`, which processes started here find, too."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "stages")


@pytest.fixture
def chain() -> list:
    """Four tasks: b and c need a, d needs both."""
    return noting.diamond()


@pytest.fixture
def runs(tmp_path) -> RunsFolder:
    return RunsFolder(tmp_path / "runs")
