"""The executor: a plan's tasks, each once, each kept, by one process or by several that share a runs folder.

There is no scheduler. Whoever executes a plan walks through its tasks, takes one whose inputs are done and whose lock is
free, and walks on; the runs folder is all that processes share. `--jobs N` starts N such walkers; a second terminal with
the same command is one more. A process that dies loses its locks, and another takes its run up where it was saved.
"""

import contextlib
import filecmp
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from multiprocessing import connection
from pathlib import Path
from statistics import median
from typing import Any

from indomain import files, planning
from indomain.errors import RequestError, WorkFailed
from indomain.planning import Plan
from indomain.progress import Note, silent
from indomain.runs import Busy, Damaged, RunsFolder, Task, make
from indomain.view import View

WAIT = 0.25  # seconds between two looks at runs that others work on


def pending(plan: Plan) -> list[Task]:
    """The tasks that are not done, each run once, in an order in which they can run."""
    return [task for task in unique(plan.tasks) if state(plan.runs, task) != "done"]


def unique(tasks: list[Task]) -> list[Task]:
    """Each run once, under its first labels."""
    return list({task.digest: task for task in reversed(tasks)}.values())[::-1]


def state(runs: RunsFolder, task: Task) -> str:
    """ "done", "to do", or what is damaged."""
    try:
        return "done" if runs.is_done(task) else "to do"
    except Damaged as error:
        return f"damaged: {error.what}"


def execute(plan: Plan, only: str | None = None, jobs: int = 1, cluster: str | None = None) -> int:
    """Runs what is not done.

    Args:
        only: one stage; its inputs must be done.
        jobs: number of processes.
        cluster: the address of a dask.distributed scheduler that does the runs instead.

    Returns:
        The number of runs done now, by this command.

    Raises:
        RequestError: something that a run needs cannot be had; nothing has been run.
    """
    for task in unique(plan.tasks):
        _mend(plan.runs, task)
    tasks = [task for task in pending(plan) if only in (None, task.stage)]
    if not tasks:
        return 0
    make(plan.runs.work)
    if only:
        for task in tasks:
            for needed in task.inputs.values():
                if needed.stage != only and not plan.runs.is_done(needed):
                    raise RequestError(f"{task.title()}: needs a run that is not done; first: python -m {needed.stage}")
    if any(task.stage != "report" for task in tasks):
        _import_keras_quietly()
        from indomain import backend

        backend.configure(plan.compute())
    for stage in dict.fromkeys(task.stage for task in tasks):
        module = planning.stage_module(stage)
        if hasattr(module, "check"):
            module.check([task for task in tasks if task.stage == stage])
    seconds = _seconds_by_kind(plan)
    with View(tasks, {task.digest: _expected(seconds, task) for task in tasks}, plan.quiet, jobs) as view:
        if cluster:
            from indomain import cluster as on_cluster

            on_cluster.execute(tasks, plan.runs, cluster, view)
        elif jobs > 1:
            _execute_in_processes(tasks, plan.runs, min(jobs, len(tasks)), view)
        else:
            work(tasks, plan.runs, view)
    return view.ours


def work(tasks: list[Task], runs: RunsFolder, view: Any, first: int = 0) -> None:
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
                _set_aside(runs, error)
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
                _import_keras_quietly()
                from indomain import backend

                backend.configure(task.params["compute"])
            inputs = {role: runs.folder(needed) for role, needed in task.inputs.items()}
            facts = planning.stage_module(task.stage).run(task, folder, inputs, note)
            files.write_json(folder / "facts.json", {**facts, "versions": versions()})
    if view:
        view.end(task)


def _mend(runs: RunsFolder, task: Task) -> None:
    """Puts a damaged run aside, and says so."""
    try:
        if runs.is_done(task) and task.stage == "report":
            # The numbers that people read: looked at whole, every time. They are few and small.
            runs.verify(task)
    except Damaged as error:
        _set_aside(runs, error)


def _set_aside(runs: RunsFolder, error: Damaged) -> None:
    aside = runs.set_aside(error.task)
    if aside:
        print(f"{error}. Put aside as {aside.name}; it is done again.", file=sys.stderr)


def _execute_in_processes(tasks: list[Task], runs: RunsFolder, jobs: int, view: View) -> None:
    """`work` in several processes; raises what the first of them raised, when the others have been stopped."""
    context = multiprocessing.get_context("spawn")
    workers: dict[Any, tuple[Any, int]] = {}
    try:
        for number in range(jobs):
            # A pipe for each: a process that is killed while it writes to a shared queue would lock the others out.
            ours, theirs = context.Pipe(duplex=False)
            arguments = (tasks, runs.path, number * len(tasks) // jobs, theirs)
            process = context.Process(target=_walker, args=arguments, daemon=True)
            with _gpu_of(number):
                process.start()
            theirs.close()
            workers[ours] = process, number
        while workers:
            for pipe in connection.wait(list(workers)):
                assert isinstance(pipe, connection.Connection)
                process, number = workers[pipe]
                try:
                    word, *rest = pipe.recv()
                except EOFError:
                    del workers[pipe]
                    process.join()
                    view.gone(number)
                    if process.exitcode and not workers:
                        raise WorkFailed(_killed(process.exitcode)) from None
                    if process.exitcode:
                        print(f"{_killed(process.exitcode)} The others go on with its run.", file=sys.stderr)
                    continue
                if word == "error":
                    raise rest[0]
                getattr(view, word)(*rest, worker=number)
    finally:
        for process, _ in workers.values():
            process.terminate()
        for process, _ in workers.values():
            process.join()


def _killed(status: int) -> str:
    if status < 0:
        name = signal.Signals(-status).name
        return f"a process was ended by {name}" + (" (too little memory?)." if name == "SIGKILL" else ".")
    return f"a process ended with status {status}."


def _walker(tasks: list[Task], path: Path, first: int, pipe: Any) -> None:
    """The whole of a process of `--jobs`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    try:
        work(tasks, RunsFolder(path), _Told(pipe), first)
    except BrokenPipeError:
        pass  # the first process is gone: so go we; what is saved is kept
    except (RequestError, OSError, FloatingPointError) as error:
        pipe.send(("error", error))
    except Exception:
        pipe.send(("error", WorkFailed(traceback.format_exc())))


class _Told:
    """The view, from another process."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe

    def begin(self, task: Task, here: bool) -> None:
        self.pipe.send(("begin", task, here))

    def note(self, text: str, share: float | None = None) -> None:
        self.pipe.send(("note", text, share))

    def end(self, task: Task) -> None:
        self.pipe.send(("end", task))


@contextlib.contextmanager
def _gpu_of(number: int) -> Iterator[None]:
    """Shows a process that starts now one GPU, the next in turn; without GPUs nothing changes."""
    chosen = gpu_for(number)
    names = {"CUDA_VISIBLE_DEVICES": chosen, "TF_FORCE_GPU_ALLOW_GROWTH": "true"} if chosen else {}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def gpu_for(number: int) -> str:
    """The GPU of the process of that number, as CUDA_VISIBLE_DEVICES names it; "" if there is none."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        found = Path("/proc/driver/nvidia/gpus")
        visible = ",".join(str(place) for place, _ in enumerate(found.iterdir())) if found.is_dir() else ""
    names = [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    return names[number % len(names)] if names else ""


def _import_keras_quietly() -> None:
    """Imports Keras without the lines that TensorFlow's C++ writes to standard error on every start."""
    if "keras" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Every network is traced once, on purpose; TensorFlow warns of each after the fifth.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
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
    known = _seconds_by_kind(plan)
    expected = [_expected(known, task) for task in pending(plan)]
    return sum(seconds for seconds in expected if seconds is not None), expected.count(None)


def _seconds_by_kind(plan: Plan) -> dict[tuple, float]:
    known: dict[tuple, list[float]] = {}
    for asked, record in plan.runs.all_done():
        kind = _kind(asked["stage"], asked["labels"], asked["params"])
        known.setdefault(kind, []).append(record["seconds"])
    return {kind: median(seconds) for kind, seconds in known.items()}


def _expected(known: dict[tuple, float], task: Task) -> float | None:
    return known.get(_kind(task.stage, task.labels, task.params))


def _kind(stage: str, labels: dict[str, Any], params: dict[str, Any]) -> tuple[Any, ...]:
    did = params.get("strategy") or params.get("classifier") or params.get("do")
    # Runs on pictures of another size, or of another length, say nothing.
    size = str(params.get("backbone", {}).get("shape"))
    return stage, labels.get("backbone"), did, size, params.get("options", {}).get("epochs")


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
