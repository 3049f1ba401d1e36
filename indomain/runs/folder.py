"""Runs: one unit of work each, named by a digest of everything that determines its result.

    <stage>-<digest>/   in the runs folder's `work`
        task.json       what was asked: stage, version, parameters, digests of the inputs
        ...             what the stage writes: model.keras, predictions.csv, log.csv ...
        tensorboard/    the training's curves, for `tensorboard --logdir`
        DONE            when, how long, how much memory, with which versions, length and SHA-256 of every file; its
                        presence means: finished

A run is worked on in `<stage>-<digest>.partial/` and renamed when finished. A run that is done is never done again,
unless a file of it is not what it was: then it is put aside as `<stage>-<digest>.damaged` and done anew.
"""

import contextlib
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from indomain import files
from indomain.artifacts.record import RunRecord, read_record
from indomain.files import make_folder
from indomain.runs.memory import peak_memory_mb, reset_peak_memory
from indomain.runs.task import Busy, Damaged, Task


class RunsFolder:
    """Where runs are kept."""

    def __init__(self, path: Path) -> None:
        # Runs are found again from other processes and machines, wherever these stand.
        self.path = path.absolute()
        self.work = self.path / "work"
        self._whole: set[str] = set()  # runs whose lengths have been looked at
        self._verified: set[str] = set()  # runs whose digests have been

    def folder(self, task: Task) -> Path:
        return self.work / task.name

    def is_done(self, task: Task) -> bool:
        """Whether the run is finished and each of its files has the length that it had then.

        Raises:
            Damaged: it was finished, and a file is missing, or shorter or longer than it was.
        """
        if task.digest in self._whole:
            return True
        if not (self.folder(task) / "DONE").is_file():
            return False
        for fault in integrity_errors(self.folder(task), lengths_only=True):
            raise Damaged(task, fault)
        self._whole.add(task.digest)
        return True

    def verify(self, task: Task) -> None:
        """Reads every file of a finished run, once in a process.

        Raises:
            Damaged: a file's SHA-256 is not what it was when the run finished.
        """
        if task.digest in self._verified:
            return
        for fault in integrity_errors(self.folder(task)):
            raise Damaged(task, fault)
        self._verified.add(task.digest)

    def saved(self, task: Task) -> dict[str, Any]:
        """What a run that was stopped says of how far it came (`saved.json`); {} where nothing is kept."""
        try:
            return files.read_json(self.work / f"{task.name}.partial" / "saved.json")
        except (OSError, ValueError):
            return {}

    def all_done(self) -> Iterator[tuple[dict[str, Any], RunRecord]]:
        """What was asked (`task.json`) and the record of every finished run in the folder, regardless of the recipe."""
        for folder in finished(self.work):
            with contextlib.suppress(OSError, ValueError):
                yield files.read_json(folder / "task.json"), read_record(folder)

    def quarantine(self, task: Task) -> Path | None:
        """Moves a damaged run out of the way, kept for inspection; None if it is whole again."""
        self._forget(task)
        with self._locked(task, wait=True):
            # Another process may have been here first.
            with contextlib.suppress(Damaged):
                if self.is_done(task):
                    self.verify(task)
                return None
            self._forget(task)
            return files.quarantine(self.folder(task))

    def _forget(self, task: Task) -> None:
        """The next question about the run looks at its files again."""
        self._whole.discard(task.digest)
        self._verified.discard(task.digest)

    def record(self, task: Task) -> RunRecord:
        """The record of a finished run.

        Raises:
            Damaged: it cannot be read.
        """
        try:
            return read_record(self.folder(task))
        except (OSError, ValueError):
            raise Damaged(task, "DONE cannot be read") from None

    @contextlib.contextmanager
    def working(self, task: Task, wait: bool = True) -> Iterator[Path | None]:
        """The folder to work in, or None if another process has finished the run meanwhile.

        Args:
            wait: stay until another process that works on it is through; otherwise raise Busy.
        """
        make_folder(self.work)
        with self._locked(task, wait):
            if self.is_done(task):
                yield None
                return
            partial = self.work / f"{task.name}.partial"
            partial.mkdir(exist_ok=True)
            files.write_json(partial / "task.json", task.record())
            reset_peak_memory()
            started, began = time.time(), time.monotonic()
            yield partial
            done = {
                "title": task.title(),
                "started": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started)),
                "seconds": round(time.monotonic() - began, 3),
                "peak_memory_mb": round(peak_memory_mb()),
                **(files.read_json(partial / "facts.json") if (partial / "facts.json").is_file() else {}),
            }
            (partial / "facts.json").unlink(missing_ok=True)
            # After a power cut DONE must not stand beside files whose content never reached the disk.
            (partial / "DONE").unlink(missing_ok=True)  # of a process that was killed before the last line
            written = files.contents(partial)
            for name in written:
                files.flush(partial / name)
            files.write_json(partial / "DONE", {**done, "files": written})
            files.flush(partial / "DONE")
            os.rename(partial, self.folder(task))

    @contextlib.contextmanager
    def _locked(self, task: Task, wait: bool) -> Iterator[None]:
        """Alone with a run. The lock is the operating system's: it ends with its process, however that ends."""
        path = self.work / f".{task.name}.lock"
        handle = _held(path, wait)
        try:
            handle.truncate(0)
            handle.write(f"{os.getpid()} on {socket.gethostname()}\n")
            handle.flush()
            yield
        finally:
            # While the lock is held the file is this one: waiters re-check after the file is unlinked.
            path.unlink(missing_ok=True)
            handle.close()


def finished(work: Path) -> Iterator[Path]:
    """The folders of all finished runs, without those that were quarantined."""
    return (path.parent for path in work.glob("*/DONE") if "." not in path.parent.name)


def integrity_errors(folder: Path, lengths_only: bool = False) -> Iterator[str]:
    """What is wrong with the files of a finished run, as text."""
    try:
        written = read_record(folder).files
    except (OSError, ValueError):
        yield "DONE cannot be read"
        return
    yield from files.integrity_errors(folder, written, lengths_only)


def _held(path: Path, wait: bool) -> TextIO:
    while True:
        handle = open(path, "a")  # noqa: SIM115 - closed by the caller
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                    return handle
        except BlockingIOError:
            handle.close()
            raise Busy(path.name) from None
        handle.close()
