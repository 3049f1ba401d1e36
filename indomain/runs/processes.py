"""`--jobs N`: N worker processes on this machine, and what they report brought together in one view."""

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from multiprocessing import connection
from pathlib import Path
from typing import Any

from indomain.errors import RequestError, WorkFailed
from indomain.runs.folder import RunsFolder
from indomain.runs.status import View
from indomain.runs.task import Task
from indomain.runs.worker import work_through


def execute(tasks: list[Task], runs: RunsFolder, jobs: int, view: View) -> None:
    """Works in several processes; raises what the first of them raised, when the others have been stopped."""
    context = multiprocessing.get_context("spawn")
    workers: dict[Any, tuple[Any, int]] = {}
    try:
        for number in range(jobs):
            # A pipe for each: a process that is killed while it writes to a shared queue would lock the others out.
            ours, theirs = context.Pipe(duplex=False)
            arguments = (tasks, runs.path, number * len(tasks) // jobs, theirs)
            process = context.Process(target=_worker, args=arguments, daemon=True)
            with share_of(number, jobs):
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


def _worker(tasks: list[Task], path: Path, first: int, pipe: Any) -> None:
    """The whole of a process of `--jobs`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    try:
        work_through(tasks, RunsFolder(path), _Told(pipe), first)
    except BrokenPipeError:
        pass  # the first process is gone: so go we; what is saved is kept
    except (RequestError, OSError, FloatingPointError) as error:
        pipe.send(("error", error))
    except Exception:
        # Whatever it is, the first process raises it, with the place where it happened.
        pipe.send(("error", WorkFailed(traceback.format_exc())))


class _Told:
    """The view, from another process."""

    def __init__(self, pipe: Any) -> None:
        self.pipe = pipe

    def begin(self, task: Task, here: bool) -> None:
        self.pipe.send(("begin", task, here))

    def progress(self, text: str, share: float | None = None) -> None:
        self.pipe.send(("progress", text, share))

    def end(self, task: Task) -> None:
        self.pipe.send(("end", task))


@contextlib.contextmanager
def share_of(number: int, jobs: int) -> Iterator[None]:
    """Shows a process that starts now its share of the cores, for joblib's threads, and one GPU, the next in turn."""
    import joblib

    chosen = gpu_for(number)
    names = {"LOKY_MAX_CPU_COUNT": str(max(1, joblib.cpu_count() // jobs))}
    names |= {"CUDA_VISIBLE_DEVICES": chosen, "TF_FORCE_GPU_ALLOW_GROWTH": "true"} if chosen else {}
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
