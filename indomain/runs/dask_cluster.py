"""The same tasks on many machines: a plan's graph handed to a dask.distributed scheduler.

The machines share the runs folder, the prepared sets and, for chains that start from a file, that file, under the same
paths. A worker does one run at a time; when it is lost, the scheduler gives its run to another, which goes on from the
last epoch saved.
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

# Networks are one object an architecture in a process: two runs at once in it would share their weights.
_ALONE = threading.Lock()


def execute(tasks: list[Task], runs: RunsFolder, address: str, view: "View") -> None:
    """Hands over the tasks that are not done and waits for them.

    Args:
        tasks: in an order in which they can run.
        address: of the scheduler: "tcp://host:8786", or the path of its scheduler file.

    Raises:
        RequestError: dask.distributed is not installed, nobody answers at the address, or the workers do not see the
            runs folder.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        raise RequestError(
            "--cluster needs dask.distributed: pip install 'indomain-pretraining[cluster]', here and on the workers."
        ) from None
    given: dict[str, Any] = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
    try:
        client = Client(**given, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise RequestError(f"--cluster {address}: no dask scheduler answers there ({error}).") from None
    path = runs.path.resolve()
    view.workers = max(len(client.scheduler_info()["workers"]), 1)
    with client:
        futures: dict[str, Any] = {}
        for task in tasks:
            needed = [futures[other.digest] for other in task.needed() if other.digest in futures]
            # The key is the run's name: whoever else hands over the same run waits for the same result.
            futures[task.digest] = client.submit(on_worker, task, path, needed, key=f"indomain-{task.name}")
        known = {future.key: task for task, future in zip(tasks, futures.values())}
        for future in as_completed(list(futures.values()), loop=client.loop):
            failed = future.exception()
            if failed is not None:
                client.cancel(list(futures.values()))
                if isinstance(failed, Damaged):
                    raise RequestError(f"{failed}. Run the same command again: it is quarantined and done again.")
                if isinstance(failed, KilledWorker):
                    raise WorkFailed(f"{known[future.key].title()}: {failed}")
                raise failed
            task = known[future.key]
            view.begin(task)
            # It took its time elsewhere.
            view.end(task, seconds=runs.record(task).seconds)


def on_worker(task: Task, path: Path, needed: list[str]) -> str:
    """One run, on a worker; `needed` holds the digests of its inputs and is there to make the scheduler wait for them."""
    if not path.is_dir():
        raise RequestError(
            f"the worker does not see the runs folder {path}: every machine needs it under the same path."
        )
    with _ALONE:
        run_one(task, RunsFolder(path))
    return task.digest
