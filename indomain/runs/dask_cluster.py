"""Runs tasks on many machines: hands a plan's graph to a dask.distributed scheduler.

All machines must see the runs folder, the prepared sets and, for chains that start from a file, that file under the
same paths. A worker does one run at a time; if it is lost, the scheduler gives its run to another worker, which resumes
from the last saved epoch.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indomain.errors import RequestError, WorkFailed
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Damaged, Task
from indomain.runs.worker import run_one

if TYPE_CHECKING:
    from indomain.runs.status import View

# A process has one network object per architecture: two runs at once in it would share their weights.
_ALONE = threading.Lock()


def execute(tasks: list[Task], runs: RunsFolder, address: str, view: "View") -> None:
    """Submits tasks to a scheduler and waits for them.

    Args:
        tasks: the tasks that are not done, in an order in which they can run.
        runs: the runs folder, which the workers see under the same path.
        address: address of the scheduler ("tcp://host:8786"), or the path of its scheduler file.
        view: shows the progress.

    Raises:
        RequestError: dask.distributed is not installed, no scheduler answers at the address, the workers do not see the
            runs folder, or a run that is needed turned out to be damaged.
        WorkFailed: a run ended its worker several times.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise RequestError(
            "--cluster needs dask.distributed: pip install 'indomain-pretraining[cluster]', here and on the workers."
        ) from None
    scheduler: dict[str, Any] = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    try:
        client = Client(**scheduler, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise RequestError(f"--cluster {address}: no dask scheduler answers there ({error}).") from None
    path = runs.path.resolve()
    view.workers = max(len(client.scheduler_info()["workers"]), 1)
    with client:
        futures: dict[str, Any] = {}
        for task in tasks:
            needed = [futures[other.digest] for other in task.needed() if other.digest in futures]
            # The key is the run's name, so that commands that submit the same run wait for one result.
            futures[task.digest] = client.submit(on_worker, task, path, needed, key=f"indomain-{task.name}")
        task_of = {future.key: task for task, future in zip(tasks, futures.values())}
        for future in as_completed(list(futures.values()), loop=client.loop):
            failure = future.exception()
            if failure is not None:
                client.cancel(list(futures.values()))
                if isinstance(failure, Damaged):
                    raise RequestError(f"{failure}. Run the same command again: it will be quarantined and redone.")
                if isinstance(failure, KilledWorker):
                    raise WorkFailed(f"{task_of[future.key].title()}: {failure}")
                raise failure
            task = task_of[future.key]
            view.begin(task)
            # The run's duration was measured on the worker.
            view.end(task, seconds=runs.record(task).seconds)


def on_worker(task: Task, path: Path, needed: list[str]) -> str:
    """Does one run on a worker; returns the task's digest.

    Args:
        task: the run to do.
        path: the runs folder.
        needed: digests of the task's inputs; unused, but makes the scheduler wait for them.

    Raises:
        RequestError: the worker does not see the runs folder.
    """
    if not path.is_dir():
        raise RequestError(
            f"the worker does not see the runs folder {path}: every machine needs it under the same path."
        )
    with _ALONE:
        run_one(task, RunsFolder(path))
    return task.digest
