"""Runs on disk: done once, locked by one process at a time, and known when they are not what they were."""

import json
import multiprocessing
import os
import time

import pytest

from indomain.runs import folder
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Busy, Damaged
from indomain.runs.worker import work_through
from tests.indomain.runs.noting import Remembering, note


@pytest.fixture
def done(runs):
    """A finished run and its folder."""
    task = note("a")
    work_through([task], runs, Remembering())
    return task, runs.folder(task)


def test_a_finished_run_says_what_was_asked_and_what_it_took(runs, done):
    task, place = done
    assert json.loads((place / "task.json").read_text()) == task.record()
    record = runs.record(task)
    assert record.title == "noting: " and record.seconds >= 0 and record.peak_memory_mb > 0
    assert set(record.files) == {"task.json", "text"} and record.facts["letters"] == 1 and record.diverged is None


def test_a_run_that_another_process_works_on_is_left_to_it(runs):
    first, second = runs, RunsFolder(runs.path)
    with first.working(note("a")) as place:
        assert place is not None
        with pytest.raises(Busy), second.working(note("a"), wait=False):
            pass
        # Its lock file names it.
        assert str(os.getpid()) in next(first.work.glob(".*.lock")).read_text()


def test_whoever_waits_for_a_run_finds_it_finished(runs, done):
    with RunsFolder(runs.path).working(done[0]) as place:
        assert place is None


def _hold_and_die(path, task):
    with RunsFolder(path).working(task):
        os.kill(os.getpid(), 9)


def test_the_lock_of_a_dead_process_is_none(runs):
    task = note("a")
    process = multiprocessing.get_context("spawn").Process(target=_hold_and_die, args=(runs.path, task))
    process.start()
    process.join()
    assert process.exitcode == -9 and list(runs.work.glob(".*.lock"))
    with runs.working(task, wait=False) as place:
        assert place is not None


def test_what_a_run_that_raised_left_is_there_when_it_is_done_again(runs):
    with pytest.raises(RuntimeError), runs.working(note("a")) as place:
        (place / "half").write_text("so far")
        raise RuntimeError
    assert not runs.is_done(note("a"))
    with runs.working(note("a")) as place:
        assert (place / "half").read_text() == "so far"


def test_a_run_that_was_stopped_says_how_far_it_came(runs):
    assert runs.saved(note("a")) == {}
    with pytest.raises(RuntimeError), runs.working(note("a")) as place:
        (place / "saved.json").write_text('{"epochs": 3}')
        raise RuntimeError
    assert runs.saved(note("a")) == {"epochs": 3}


def test_what_was_saved_half_is_nothing(runs):
    partial = runs.work / f"{note('a').name}.partial"
    partial.mkdir(parents=True)
    (partial / "saved.json").write_text('{"epo')
    assert runs.saved(note("a")) == {}


@pytest.mark.parametrize("damage", ["shorter", "gone", "DONE cut"])
def test_a_run_whose_files_have_another_length_is_damaged(runs, done, damage):
    task, place = done
    if damage == "shorter":
        (place / "text").write_bytes(b"")
    elif damage == "gone":
        (place / "text").unlink()
    else:
        (place / "DONE").write_text('{"sec')
    with pytest.raises(Damaged, match="DONE" if damage == "DONE cut" else "text"):
        RunsFolder(runs.path).is_done(task)


def test_another_byte_is_found_when_the_file_is_read_whole(runs, done):
    task, place = done
    (place / "text").write_text("x")
    again = RunsFolder(runs.path)
    assert again.is_done(task)
    with pytest.raises(Damaged, match="SHA-256 differs"):
        again.verify(task)


def test_a_damaged_run_is_kept_for_inspection_and_is_not_done(runs, done):
    task, place = done
    (place / "text").write_bytes(b"")
    moved = RunsFolder(runs.path).quarantine(task)
    assert moved is not None and moved.name == f"{task.name}.damaged" and (moved / "task.json").is_file()
    assert not runs.is_done(task)


def test_a_run_that_is_whole_again_stays_where_it_is(runs, done):
    assert runs.quarantine(done[0]) is None and runs.is_done(done[0])


def test_all_finished_runs_are_listed_and_none_that_was_quarantined(runs, done):
    work_through([note("b")], runs, Remembering())
    (runs.folder(note("b")) / "text").unlink()
    RunsFolder(runs.path).quarantine(note("b"))
    assert [asked["params"]["name"] for asked, _ in runs.all_done()] == ["a"]
    assert [place.name for place in folder.finished(runs.work)] == [done[0].name]


def test_a_clock_that_jumps_back_does_no_harm(runs, chain, monkeypatch):
    moments = iter(range(10**9, 0, -(10**6)))
    monkeypatch.setattr(time, "time", lambda: float(next(moments)))
    work_through(chain, runs, Remembering())
    assert all(runs.is_done(task) and runs.record(task).seconds >= 0 for task in chain)
