"""The same tasks handed to a dask.distributed scheduler: done once, in their order, whatever happens to a worker."""

import dask
import pytest
from distributed import LocalCluster

from indomain.errors import RequestError
from indomain.runs import dask_cluster, executor
from indomain.runs.folder import RunsFolder
from tests.indomain.runs.noting import note


@pytest.fixture(scope="module")
def threads():
    """The address of a cluster whose two workers are threads of this process."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": ":0"}
    with LocalCluster(**options, protocol="tcp://") as cluster:
        yield cluster.scheduler_address


def test_a_cluster_does_every_task_once_and_after_its_inputs(chain, runs, threads):
    assert executor.execute(chain, runs, cluster=threads, quiet=True) == 4
    assert (runs.folder(chain[3]) / "text").read_text() == "abacd"


def test_a_task_that_stands_twice_is_waited_for(runs, threads):
    a = note("a", seconds=0.3)
    assert executor.execute([a, note("b", a), a], runs, cluster=threads, quiet=True) == 2


def test_what_goes_wrong_on_a_worker_is_said_here(runs, threads):
    with pytest.raises(RequestError, match="b went wrong"):
        executor.execute([note("a"), note("b", raises="RequestError")], runs, cluster=threads, quiet=True)


def test_an_input_that_is_damaged_ends_the_work_and_says_the_way_out(runs, threads):
    a = note("a")
    executor.execute([a], runs, cluster=threads, quiet=True)
    (runs.folder(a) / "text").write_text("x")  # of the same length: a worker finds it
    with pytest.raises(RequestError, match=r"SHA-256 differs.*Run the same command again"):
        executor.execute([a, note("b", a)], RunsFolder(runs.path), cluster=threads, quiet=True)


def test_a_lost_worker_loses_nothing(runs, tmp_path):
    tasks = [note("a"), note("b", dies_once=str(tmp_path / "died")), note("c")]
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        assert executor.execute(tasks, runs, cluster=cluster.scheduler_address, quiet=True) == 3
    assert (tmp_path / "died").exists() and all(runs.is_done(task) for task in tasks)


def test_nobody_at_the_address(runs):
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(RequestError, match="no dask scheduler answers there"),
    ):
        executor.execute([note("a")], runs, cluster="tcp://127.0.0.1:9", quiet=True)


def test_a_worker_that_does_not_see_the_runs_folder_says_so(tmp_path):
    with pytest.raises(RequestError, match="does not see the runs folder"):
        dask_cluster.on_worker(note("a"), tmp_path / "elsewhere", [])
