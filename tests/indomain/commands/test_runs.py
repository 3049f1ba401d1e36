"""`indomain runs`: finished runs listed, shown, checked; what was not finished removed."""

import argparse
import fcntl
import json
import time

import pytest

from indomain.commands import runs
from indomain.errors import RequestError
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Task


@pytest.fixture
def work(here):
    """The folder of two small finished runs."""
    folder_of_runs = RunsFolder(here / "runs")
    for seed in range(2):
        with folder_of_runs.working(Task("finetune", 1, {"seed": seed})) as folder:
            (folder / "text").write_text(str(seed))
    return folder_of_runs.work


def test_runs_are_listed_with_when_and_how_long(indomain, work):
    status, out, _ = indomain("runs", "list")
    assert status == 0 and len(out.splitlines()) == 2
    assert all(line.startswith("finetune-") and " s  finetune: " in line for line in out.splitlines())


def test_a_record_that_cannot_be_read_is_listed_as_damaged(indomain, work):
    next(work.glob("*/DONE")).write_text('{"sec')
    assert "damaged: DONE cannot be read" in indomain("runs", "list")[1]


def test_a_list_of_many_finished_runs_takes_little_more_than_reading_their_files(indomain, here):
    work = here / "runs" / "work"
    record = '{"title": "finetune: x", "started": "2026-01-01T00:00:00", "seconds": 1, "files": {}}'
    for number in range(5_000):
        folder = work / f"finetune-{number:016x}"
        folder.mkdir(parents=True)
        (folder / "DONE").write_text(record)
    ratios = []
    for _ in range(5):
        began = time.perf_counter()
        assert len([json.loads(path.read_text()) for path in work.glob("*/DONE")]) == 5_000
        read = time.perf_counter()
        status, out, _ = indomain("runs", "list")
        ratios.append((time.perf_counter() - read) / (read - began))
        assert status == 0 and len(out.splitlines()) == 5_000
        if ratios[-1] < 5:
            break
    assert min(ratios) < 5, "not a look into every folder, nor the square of their number"


def test_one_run_is_shown_by_a_part_of_its_name(indomain, work):
    name = next(iter(sorted(work.glob("finetune-*")))).name
    status, out, _ = indomain("runs", "show", name.partition("-")[2][:8])
    assert status == 0 and name in out and '"stage": "finetune"' in out and '"seconds"' in out


def test_a_run_that_is_not_there_is_said(indomain, work):
    status, _, err = indomain("runs", "show", "abc-xyz")
    assert status == 2 and "has 'abc-xyz' in its name" in err


def test_a_check_reads_every_file_and_fails_where_one_has_changed(indomain, work):
    assert indomain("runs", "check")[:2] == (0, "2 finished runs, 0 damaged files.\n")
    next(work.glob("*/text")).write_text("x")
    status, out, _ = indomain("runs", "check")
    assert status == 1 and "text has changed since it was written" in out and "1 damaged files" in out


def test_what_was_not_finished_or_is_damaged_is_removed(indomain, work):
    finished = sorted(work.glob("finetune-*"))
    for name in ("pretrain-1.partial", "fusion-2.damaged", "fusion-2.damaged-2"):
        (work / name).mkdir()
    assert indomain("runs", "prune")[1] == "3 unfinished or damaged runs removed.\n"
    assert sorted(work.iterdir()) == finished


def test_a_run_that_is_being_worked_on_is_left_alone(indomain, work):
    (work / "pretrain-1.partial").mkdir()
    with open(work / ".pretrain-1.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        _, out, _ = indomain("runs", "prune")
    assert "pretrain-1.partial is being worked on: left alone." in out and (work / "pretrain-1.partial").is_dir()


def test_a_runs_folder_that_is_not_there_has_no_runs(tmp_path, capsys):
    options = argparse.Namespace(runs_dir=tmp_path / "none", id="")
    assert runs.check(options) == 0 and runs.listed(options) is None
    assert capsys.readouterr().out == "0 finished runs, 0 damaged files.\n"
    with pytest.raises(RequestError, match="no finished run in .*none"):
        runs.show(options)
