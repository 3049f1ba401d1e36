"""A worker: does tasks one at a time, beside other workers that do the same ones.

It takes a task whose inputs are done and whose lock is free; the runs folder is all that workers share.
"""

import sys
import time
from pathlib import Path
from typing import Any

from indomain import files
from indomain.backend import configure, import_keras, versions
from indomain.errors import Diverged
from indomain.progress import Progress, silent
from indomain.runs import stages
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Busy, Damaged, Task, Work

WAIT = 0.25  # seconds between polls of runs held by other processes


def work_through(tasks: list[Task], runs: RunsFolder, view: Any, first: int = 0) -> None:
    """Does the tasks until all are done, by this process or by others.

    Args:
        view: told of every begin, progress and end.
        first: where in the list to begin, so that several workers do not queue at the same task.
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
            # Everything that could be done is being done by others.
            time.sleep(WAIT)
        waiting = left


def run_one(task: Task, runs: RunsFolder, view: Any = None, wait: bool = True) -> None:
    """Runs one task whose inputs are done, unless somebody else has done it meanwhile.

    Raises:
        Busy: another process works on it (not with `wait`).
        Damaged: an input is not what it was when it was finished.
    """
    progress = view.progress if view else silent
    with runs.working(task, wait) as folder:
        if view:
            view.begin(task, here=folder is not None)
        if folder is not None:
            for needed in task.needed():
                runs.verify(needed)
            if "compute" in task.params:
                import_keras()
                configure(task.params["compute"])
            facts = _do(task, runs, folder, progress)
            files.write_json(folder / "facts.json", {**facts, "versions": versions()})
    if view:
        view.end(task)


def _do(task: Task, runs: RunsFolder, folder: Path, progress: Progress) -> dict[str, Any]:
    """Does the work; returns facts for the run's record. A training that diverges is one of them, and is inherited."""
    inherited = [reason for needed in task.needed() if (reason := runs.record(needed).diverged)]
    if inherited and not task.despite_divergence:
        return {"diverged": inherited[0]}
    inputs = {
        role: runs.folder(given) if isinstance(given, Task) else [runs.folder(one) for one in given]
        for role, given in task.inputs.items()
    }
    try:
        return stages.run_of(task.stage)(Work(task, folder, inputs, progress))
    except Diverged as error:
        return {"diverged": f"{task.stage}: {error}"}


def quarantine(runs: RunsFolder, error: Damaged) -> None:
    """Puts a damaged run out of the way, and reports it."""
    moved = runs.quarantine(error.task)
    if moved:
        print(f"{error}. Quarantined as {moved.name}; it is done again.", file=sys.stderr)
