"""Doing runs: a walk through tasks, one at a time, beside whoever else walks through the same ones.

A walker takes a task whose inputs are done and whose lock is free, and walks on; the runs folder is all that walkers share.
"""

import sys
import time
from pathlib import Path
from typing import Any

from indomain import files
from indomain.backend import import_keras, versions
from indomain.errors import Diverged
from indomain.progress import Note, silent
from indomain.runs import stages
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Busy, Damaged, Task

WAIT = 0.25  # seconds between two looks at runs that others work on


def walk(tasks: list[Task], runs: RunsFolder, view: Any, first: int = 0) -> None:
    """Walks through the tasks until all are done, by this process or by others.

    Args:
        view: is told of every begin, note and end.
        first: where in the list to begin, so that several walkers do not queue at the same place.
    """
    waiting = tasks[first:] + tasks[:first]
    while waiting:
        left = []
        for task in waiting:
            try:
                if all(runs.is_done(needed) for needed in task.inputs.values()):
                    run_one(task, runs, view, wait=False)
                else:
                    left.append(task)
            except Busy:
                left.append(task)
            except Damaged as error:
                set_aside(runs, error)
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
    note: Note = view.note if view else silent
    with runs.working(task, wait) as folder:
        if view:
            view.begin(task, here=folder is not None)
        if folder is not None:
            for needed in task.inputs.values():
                runs.verify(needed)
            if "compute" in task.params:
                import_keras()
                from indomain import backend

                backend.configure(task.params["compute"])
            facts = _facts(task, runs, folder, note)
            files.write_json(folder / "facts.json", {**facts, "versions": versions()})
    if view:
        view.end(task)


def _facts(task: Task, runs: RunsFolder, folder: Path, note: Note) -> dict[str, Any]:
    """Does the work; returns facts for the run's record. A training that diverges is one of them, and is inherited."""
    inherited = [found for needed in task.inputs.values() if (found := runs.diverged(needed))]
    if inherited and not task.endures:
        return {"diverged": inherited[0]}
    inputs = {role: runs.folder(needed) for role, needed in task.inputs.items()}
    try:
        return stages.stage_module(task.stage).run(task, folder, inputs, note)
    except Diverged as error:
        return {"diverged": f"{task.stage}: {error}"}


def set_aside(runs: RunsFolder, error: Damaged) -> None:
    """Puts a damaged run out of the way, and says so."""
    aside = runs.set_aside(error.task)
    if aside:
        print(f"{error}. Put aside as {aside.name}; it is done again.", file=sys.stderr)
