"""The local executor: a plan's tasks in their order, each once, each kept."""

import filecmp
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from indomain import files, planning
from indomain.errors import RequestError
from indomain.planning import Plan
from indomain.progress import bar
from indomain.runs import RunsFolder, Task


def pending(plan: Plan) -> list[Task]:
    """The tasks that are not done, each run once, in an order in which they can run."""
    first: dict[str, Task] = {}
    for task in plan.tasks:
        first.setdefault(task.digest, task)
    return [task for task in first.values() if not plan.runs.is_done(task)]


def execute(plan: Plan, only: str | None = None) -> int:
    """Runs what is not done.

    Args:
        only: one stage; its inputs must be done.

    Returns:
        The number of runs done now.

    Raises:
        RequestError: something that a run needs cannot be had; nothing has been run.
    """
    tasks = [task for task in pending(plan) if only in (None, task.stage)]
    if only:
        for task in tasks:
            for needed in task.inputs.values():
                if needed.stage != only and not plan.runs.is_done(needed):
                    raise RequestError(f"{task.title()}: needs a run that is not done; first: python -m {needed.stage}")
    if any(task.stage != "report" for task in tasks):
        _import_keras_quietly()
    for stage in dict.fromkeys(task.stage for task in tasks):
        module = planning.stage_module(stage)
        if hasattr(module, "check"):
            module.check([task for task in tasks if task.stage == stage])
    with _Progress(len(tasks), plan.quiet) as progress:
        for task in tasks:
            progress.begin(task)
            run_one(task, plan.runs, progress.note)
            progress.end()
    return len(tasks)


def run_one(task: Task, runs: RunsFolder, note: Callable[[str], None] = lambda text: None) -> None:
    """Runs one task whose inputs are done, unless somebody else has done it meanwhile."""
    with runs.working(task) as folder:
        if folder is None:
            return
        inputs = {role: runs.folder(needed) for role, needed in task.inputs.items()}
        facts = planning.stage_module(task.stage).run(task, folder, inputs, note)
        files.write_json(folder / "facts.json", {**facts, "versions": versions()})


def _import_keras_quietly() -> None:
    """Imports Keras without the lines that TensorFlow's C++ writes to standard error on every start."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def versions() -> dict[str, str]:
    """Of what results depend on, among what is loaded."""
    names = ("keras", "tensorflow", "jax", "sklearn", "numpy")
    found = {
        name: str(sys.modules[name].__version__) for name in names if hasattr(sys.modules.get(name), "__version__")
    }
    if "keras" in found:
        found["backend"] = sys.modules["keras"].config.backend()
    return found


def seconds_left(plan: Plan) -> tuple[float, int]:
    """An estimate of the time for what is to do: the median of finished runs of the same stage and backbone.

    Returns:
        Seconds, and the number of runs for which nothing is known.
    """
    known: dict[tuple, list[float]] = {}
    for task in {task.digest: task for task in plan.tasks}.values():
        if plan.runs.is_done(task):
            known.setdefault(_kind(task), []).append(plan.runs.record(task)["seconds"])
    waiting = pending(plan)
    seconds = sum(median(known[_kind(task)]) for task in waiting if _kind(task) in known)
    return seconds, sum(_kind(task) not in known for task in waiting)


def _kind(task: Task) -> tuple[Any, ...]:
    return task.stage, task.labels.get("backbone"), task.params.get("do"), task.params.get("strategy")


class _Progress:
    """A bar over all runs on a terminal, one line a run elsewhere."""

    def __init__(self, total: int, quiet: bool) -> None:
        self.total, self.done = total, 0
        self.plain = not quiet and not sys.stderr.isatty()
        self.bar = bar() if total and not quiet and sys.stderr.isatty() else None
        self.started = time.monotonic()

    def __enter__(self) -> "_Progress":
        if self.bar:
            self.bar.start()
            self.row = self.bar.add_task("", total=self.total)
        return self

    def __exit__(self, *unused: Any) -> None:
        if self.bar:
            self.bar.stop()

    def begin(self, task: Task) -> None:
        self.title = task.title()
        if self.bar:
            self.bar.update(self.row, description=self.title)
        elif self.plain:
            gone = time.monotonic() - self.started
            left = f", about {gone / self.done * (self.total - self.done):.0f} s left" if self.done > 2 else ""
            print(f"[{self.done + 1}/{self.total}{left}] {self.title}", file=sys.stderr, flush=True)

    def note(self, text: str) -> None:
        if self.bar:
            self.bar.update(self.row, description=f"{self.title} · {text}")

    def end(self) -> None:
        self.done += 1
        if self.bar:
            self.bar.advance(self.row)


def results_folder(plan: Plan) -> Path:
    """Where a recipe's table and page stand: <runs folder>/<recipe name>."""
    return plan.runs.path / plan.name


def publish(plan: Plan) -> Path:
    """Puts the files of the recipe's report into its results folder; those of an earlier plan stay in their own run.

    Returns:
        The results folder.
    """
    report = plan.find("report")[-1]
    source, folder = plan.runs.folder(report), results_folder(plan)
    folder.mkdir(parents=True, exist_ok=True)
    # Figures that an earlier plan of the same recipe had and this one has not; they stay in that plan's own run.
    for pattern in ("panel-*.png", "intervals-*.png"):
        for path in folder.glob(pattern):
            if not (source / path.name).is_file():
                path.unlink()
    for path in source.iterdir():
        if path.name in ("task.json", "facts.json", "DONE"):
            continue
        if not (folder / path.name).is_file() or not filecmp.cmp(path, folder / path.name, shallow=True):
            with files.written(folder / path.name) as temporary:
                shutil.copy2(path, temporary)
    return folder
