"""`--jobs N`: the work shared by processes, what ends one of them, and what each is given of the machine."""

import os

import joblib
import pytest

from indomain.errors import RequestError, WorkFailed
from indomain.runs import executor, processes
from indomain.runs.status import View
from tests.indomain.runs.noting import note


def test_processes_do_every_task_once(chain, runs):
    assert executor.execute(chain, runs, jobs=2, quiet=True) == 4
    assert (runs.folder(chain[3]) / "text").read_text() == "abacd"


@pytest.mark.parametrize("error", [RequestError, FloatingPointError])
def test_what_ends_one_process_ends_them_all_and_is_said(runs, error):
    with pytest.raises(error, match="b went wrong"):
        executor.execute([note("a", seconds=60), note("b", raises=error.__name__)], runs, jobs=2, quiet=True)
    assert not list(runs.work.glob("*/DONE"))


def test_the_others_go_on_with_the_run_of_a_process_that_was_killed(runs, tmp_path, capsys):
    tasks = [note("a", seconds=0.5), note("b", dies_once=str(tmp_path / "died"))]
    executor.execute(tasks, runs, jobs=2, quiet=True)
    assert all(runs.is_done(task) for task in tasks)
    said = capsys.readouterr().err
    assert "ended by SIGKILL (too little memory?). The others continue its run." in said


def test_when_the_last_process_is_killed_the_work_has_failed(runs, tmp_path):
    task = note("a", dies_once=str(tmp_path / "died"))
    with pytest.raises(WorkFailed, match="SIGKILL"):
        processes.execute([task], runs, 1, View([task], {task.digest: None}, quiet=True))


def test_an_error_that_nobody_expects_comes_with_its_place(runs):
    with pytest.raises(WorkFailed, match=r"(?s)Traceback.*run\.py.*no_such_error"):
        executor.execute([note("a", raises="no_such_error"), note("b")], runs, jobs=2, quiet=True)


def test_a_gpu_for_each_process(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 6")
    assert [processes.gpu_for(number) for number in range(3)] == ["4", "6", "4"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert processes.gpu_for(0) == ""


def test_processes_share_the_cores(monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 8)
    for jobs, share in ((1, "8"), (3, "2"), (20, "1")):
        with processes.share_of(0, jobs):
            assert os.environ["LOKY_MAX_CPU_COUNT"] == share
    assert "LOKY_MAX_CPU_COUNT" not in os.environ


def test_joblib_keeps_to_the_share(monkeypatch):
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    with processes.share_of(0, joblib.cpu_count()):
        assert joblib.cpu_count() == 1
