"""`--jobs N`: N worker processes on this machine, whose reports are shown in one view."""

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
from indomain.runs import allocator
from indomain.runs.folder import RunsFolder
from indomain.runs.status import View
from indomain.runs.task import Task
from indomain.runs.worker import work_through


def execute(tasks: list[Task], runs: RunsFolder, jobs: int, view: View) -> None:
    """Does tasks in several processes; if one of them fails, stops the others and raises its error.

    Args:
        tasks: the tasks that are not done, in an order in which they can run.
        runs: the runs folder.
        jobs: number of processes.
        view: shows the progress of all processes.

    Raises:
        RequestError: something that a run needs is not available.
        WorkFailed: a process raised an unexpected error, or the last process was killed.
    """
    context = multiprocessing.get_context("spawn")
    workers: dict[Any, tuple[Any, int]] = {}
    try:
        for number in range(jobs):
            # One pipe per process: a process killed while writing to a shared queue would block the others.
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
                        print(f"{_killed(process.exitcode)} The others continue its run.", file=sys.stderr)
                    continue
                if word == "error":
                    raise rest[0]
                # All other words are methods of View: see _RemoteView.
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
    """The target of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the main process terminates the workers
    try:
        work_through(tasks, RunsFolder(path), _RemoteView(pipe), first)
    except BrokenPipeError:
        pass  # the main process has ended; what is saved is kept
    except (RequestError, OSError, FloatingPointError) as error:
        pipe.send(("error", error))
    except Exception:
        # As text, because pickling an exception loses its traceback.
        pipe.send(("error", WorkFailed(traceback.format_exc())))


class _RemoteView:
    """The view as a worker process sees it: sends the calls of its methods to the main process."""

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
    """What a process started in this context gets: a share of the cores, for joblib's threads, one GPU, the allocator.

    Args:
        number: number of the process, from 0; GPUs are assigned in turn.
        jobs: number of processes.
    """
    import joblib

    gpu = gpu_for(number)
    settings = {"LOKY_MAX_CPU_COUNT": str(max(1, joblib.cpu_count() // jobs))}
    settings |= {"CUDA_VISIBLE_DEVICES": gpu, "TF_FORCE_GPU_ALLOW_GROWTH": "true"} if gpu else {}
    settings |= allocator.environment()
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def gpu_for(number: int) -> str:
    """The GPU of a process, in the notation of CUDA_VISIBLE_DEVICES; "" if there is none.

    Args:
        number: number of the process, from 0.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        folder = Path("/proc/driver/nvidia/gpus")
        visible = ",".join(str(gpu) for gpu, _ in enumerate(folder.iterdir())) if folder.is_dir() else ""
    names = [name.strip() for name in visible.split(",") if name.strip() not in ("", "-1")]
    return names[number % len(names)] if names else ""
