"""Publishing: the last report's files, and no others of ours, beside whatever a user keeps there."""

import json
from pathlib import Path

import pytest

from indomain.runs.publishing import publish


def report(folder: Path, **texts: str) -> Path:
    """A finished run's folder with these files."""
    folder.mkdir()
    for name, text in {"task": "{}", **texts}.items():
        (folder / (f"{name}.json" if name == "task" else f"{name}.csv")).write_text(text)
    files = {path.name: [0, ""] for path in folder.iterdir()}
    (folder / "DONE").write_text(json.dumps({"files": files}))
    return folder


@pytest.fixture
def place(tmp_path) -> Path:
    return tmp_path / "runs/tiny"


def test_the_files_of_a_run_are_published_without_its_own_records(tmp_path, place):
    publish(report(tmp_path / "one", table="1", curve="2"), place)
    assert {path.name for path in place.iterdir()} == {"table.csv", "curve.csv", "published.json"}


def test_what_the_last_report_had_and_this_one_has_not_is_removed(tmp_path, place):
    publish(report(tmp_path / "one", table="1", curve="2"), place)
    publish(report(tmp_path / "two", table="3"), place)
    assert not (place / "curve.csv").exists() and (place / "table.csv").read_text() == "3"


def test_a_users_own_file_is_left_alone(tmp_path, place):
    publish(report(tmp_path / "one", table="1", curve="2"), place)
    (place / "notes.txt").write_text("mine")
    (place / "panel-mine.png").write_text("mine, too")
    publish(report(tmp_path / "two", table="3"), place)
    assert (place / "notes.txt").read_text() == "mine" and (place / "panel-mine.png").exists()


def test_a_file_that_a_user_has_removed_already_is_no_harm(tmp_path, place):
    publish(report(tmp_path / "one", table="1", curve="2"), place)
    (place / "curve.csv").unlink()
    publish(report(tmp_path / "two", table="3"), place)
    assert (place / "table.csv").read_text() == "3"


def test_what_is_published_already_is_not_written_again(tmp_path, place):
    source = report(tmp_path / "one", table="1")
    publish(source, place)
    before = {path.name: path.stat().st_ino for path in place.iterdir()}
    publish(source, place)
    assert {path.name: path.stat().st_ino for path in place.iterdir()} == before


def test_a_published_file_that_was_changed_is_put_right(tmp_path, place):
    source = report(tmp_path / "one", table="1")
    publish(source, place)
    (place / "table.csv").write_text("changed by hand")
    publish(source, place)
    assert (place / "table.csv").read_text() == "1"
