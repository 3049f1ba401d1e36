"""A worker: every task once, after its inputs, beside other workers."""

import threading

import pytest

from indomain.errors import RequestError
from indomain.runs import worker
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Busy
from tests.indomain.runs.noting import Remembering, note


def test_every_task_runs_once_and_after_its_inputs(chain, runs):
    view = Remembering()
    worker.work_through(chain, runs, view, first=2)
    assert view.did[0] == "a" and view.did[-1] == "d" and sorted(view.did) == list("abcd")
    assert (runs.folder(chain[3]) / "text").read_text() == "abacd"


def test_what_is_done_is_not_done_again(chain, runs):
    worker.work_through(chain, runs, Remembering())
    view = Remembering()
    worker.work_through(chain, RunsFolder(runs.path), view)
    assert view.did == [] and not list(runs.work.glob(".*.lock"))


def test_the_view_hears_how_far_a_run_is(runs):
    view = Remembering()
    worker.work_through([note("a")], runs, view)
    assert view.said == ["writing a"]


def test_two_workers_share_the_work(runs, monkeypatch):
    monkeypatch.setattr(worker, "WAIT", 0.02)
    a = note("a", seconds=0.1)
    b, c = note("b", a, seconds=0.1), note("c", a, seconds=0.1)
    tasks = [a, b, c, note("d", b, c)]
    views = [Remembering(), Remembering()]
    arguments = [(tasks, RunsFolder(runs.path), view) for view in views]
    workers = [threading.Thread(target=worker.work_through, args=given) for given in arguments]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sorted(views[0].did + views[1].did) == list("abcd")
    # b and c can run at the same time.
    assert all({"b", "c"} - set(view.did) for view in views)


def test_one_task_that_another_works_on_is_busy_unless_it_is_waited_for(runs):
    with runs.working(note("a")), pytest.raises(Busy):
        worker.run_one(note("a"), RunsFolder(runs.path), wait=False)


def test_an_input_that_is_damaged_meanwhile_is_done_again(chain, runs, capsys):
    worker.work_through(chain, runs, Remembering())
    runs.folder(chain[1]).rename(runs.path / "removed")
    (runs.folder(chain[0]) / "text").write_text("x")  # of the same length: found by its digest, when it is read
    view = Remembering()
    worker.work_through([chain[1]], RunsFolder(runs.path), view)
    assert view.did == ["b", "a", "b"] and (runs.folder(chain[1]) / "text").read_text() == "ab"
    said = capsys.readouterr().err
    assert "SHA-256 differs" in said and f"Quarantined as {chain[0].name}.damaged" in said


def test_what_builds_on_a_training_that_diverged_has_diverged(runs):
    a = note("a", raises="Diverged")
    b = note("b", a)
    worker.work_through([a, b, note("c", b)], runs, Remembering())
    reasons = {runs.record(task).diverged for task in (a, b, note("c", b))}
    assert reasons == {"noting: a went wrong"} and not (runs.folder(b) / "text").exists()


def test_a_report_is_done_though_a_training_diverged(runs):
    a, b = note("a"), note("b", raises="Diverged")
    report = note("report", a, b, despite_divergence=True)
    worker.work_through([a, b, report], runs, Remembering())
    assert runs.record(report).diverged is None and (runs.folder(report) / "text").read_text() == "areport"


def test_an_error_ends_the_work_and_keeps_what_is_done(runs):
    with pytest.raises(RequestError, match="b went wrong"):
        worker.work_through([note("a"), note("b", raises="RequestError")], runs, Remembering())
    assert runs.is_done(note("a")) and not runs.is_done(note("b", raises="RequestError"))
