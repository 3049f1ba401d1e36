"""A worker: does tasks one at a time, alongside other workers that go through the same tasks.

It takes a task whose inputs are done and whose lock is free; workers share nothing but the runs folder.
"""

import sys
import time
from pathlib import Path
from typing import Any

from indomain import files
from indomain.backend import configure, import_keras, versions
from indomain.errors import Diverged
from indomain.progress import Progress, silent
from indomain.runs import allocator, stages
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Busy, Damaged, Task, Work

WAIT = 0.25  # seconds between polls of runs held by other processes


def work_through(tasks: list[Task], runs: RunsFolder, view: Any, first: int = 0) -> None:
    """Goes through the tasks until all are done, by this process or by others.

    Args:
        tasks: the tasks, in an order in which they can run.
        runs: the runs folder.
        view: `View`, or an object with its methods `begin`, `progress` and `end`.
        first: index of the task to begin with, so that several workers do not queue for the same task.
    """
    waiting = tasks[first:] + tasks[:first]
    while waiting:
        left = []
        for task in waiting:
            try:
                if all(runs.is_done(needed) for needed in task.needed()):
                    run_one(task, runs, view, wait=False)
                else:
                    left.append(task)
            except Busy:
                left.append(task)
            except Damaged as error:
                quarantine(runs, error)
                left += [error.task, task]
        if len(left) >= len(waiting):
            # Nothing was done in this pass: the remaining tasks, or their inputs, are in the hands of other workers.
            time.sleep(WAIT)
        waiting = left


def run_one(task: Task, runs: RunsFolder, view: Any = None, wait: bool = True) -> None:
    """Does one task whose inputs are done, unless another process has done it meanwhile.

    Args:
        task: the task.
        runs: the runs folder.
        view: as for `work_through`; None: report nothing.
        wait: wait while another process works on the task; otherwise raise Busy.

    Raises:
        Busy: another process works on it (only if `wait` is False).
        Damaged: a file of an input has changed or is missing.
    """
    progress = view.progress if view else silent
    with runs.working(task, wait) as folder:
        if view:
            view.begin(task, here=folder is not None)
        if folder is not None:
            for needed in task.needed():
                runs.verify(needed)
            if "compute" in task.params:
                allocator.tune_glibc()
                import_keras()
                configure(task.params["compute"])
            facts = _do(task, runs, folder, progress)
            files.write_json(folder / "facts.json", {**facts, "versions": versions()})
    if view:
        view.end(task)


def _do(task: Task, runs: RunsFolder, folder: Path, progress: Progress) -> dict[str, Any]:
    """Does the work; returns facts for the run's record.

    A divergence is one of these facts: it ends the run, which is recorded as finished, and passes on to the runs that
    need it.
    """
    inherited = [reason for needed in task.needed() if (reason := runs.record(needed).diverged)]
    if inherited and not task.despite_divergence:
        return {"diverged": inherited[0]}
    inputs = {
        role: runs.folder(needed) if isinstance(needed, Task) else [runs.folder(each) for each in needed]
        for role, needed in task.inputs.items()
    }
    try:
        return stages.run_of(task.stage)(Work(task, folder, inputs, progress))
    except Diverged as error:
        return {"diverged": f"{task.stage}: {error}"}


def quarantine(runs: RunsFolder, error: Damaged) -> None:
    """Quarantines a damaged run, and reports it.

    Args:
        runs: the runs folder.
        error: the error that the run raised.
    """
    moved = runs.quarantine(error.task)
    if moved:
        print(f"{error}. Quarantined as {moved.name}; it will be redone.", file=sys.stderr)
