"""The runs folder: each run has a subfolder, named by a digest of everything that determines its result.

    <stage>-<digest>/   in the runs folder's `work`
        task.json       the request: stage, version, parameters, digests of the inputs
        ...             what the stage writes: model.keras, predictions.csv, log.csv and so on
        tensorboard/    training curves, for `tensorboard --logdir`
        DONE            start time, duration, memory, versions, length and SHA-256 of every file; the run is finished if
                        and only if this file exists

A run is worked on in `<stage>-<digest>.partial/`, which is renamed when the run is finished. A finished run is never
repeated, unless one of its files has changed or is missing: then it is quarantined as `<stage>-<digest>.damaged` and
redone.
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
    """The folder that holds all runs.

    Args:
        path: the folder; runs are kept in its subfolder `work`.
    """

    def __init__(self, path: Path) -> None:
        # Absolute, because other processes and machines have other working directories.
        self.path = path.absolute()
        self.work = self.path / "work"
        self._whole: set[str] = set()  # digests of tasks whose files have been checked for their lengths
        self._verified: set[str] = set()  # digests of tasks whose files have been checked for their SHA-256

    def folder(self, task: Task) -> Path:
        """The folder of a task's finished run."""
        return self.work / task.name

    def is_done(self, task: Task) -> bool:
        """Whether a run is finished and all its files still have the lengths they had then.

        Args:
            task: the run's task.

        Raises:
            Damaged: it was finished, but a file is missing or has another length.
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
        """Reads every file of a finished run and checks its SHA-256, once per process.

        Args:
            task: the run's task.

        Raises:
            Damaged: a file has changed or is missing.
        """
        if task.digest in self._verified:
            return
        for fault in integrity_errors(self.folder(task)):
            raise Damaged(task, fault)
        self._verified.add(task.digest)

    def saved(self, task: Task) -> dict[str, Any]:
        """How far a stopped run had come (`saved.json`); {} if it saved nothing."""
        try:
            return files.read_json(self.work / f"{task.name}.partial" / "saved.json")
        except (OSError, ValueError):
            return {}

    def all_done(self) -> Iterator[tuple[dict[str, Any], RunRecord]]:
        """The request (`task.json`) and the record of every finished run in the folder, regardless of the recipe."""
        for folder in finished(self.work):
            with contextlib.suppress(OSError, ValueError):
                yield files.read_json(folder / "task.json"), read_record(folder)

    def quarantine(self, task: Task) -> Path | None:
        """Moves a damaged run aside, where it is kept for inspection.

        Args:
            task: the run's task.

        Returns:
            The folder's new path; None if another process has already quarantined or redone the run.
        """
        self._forget(task)
        with self._locked(task, wait=True):
            # Another process may have quarantined and redone it already.
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

        Args:
            task: the run's task.

        Raises:
            Damaged: the record cannot be read.
        """
        try:
            return read_record(self.folder(task))
        except (OSError, ValueError):
            raise Damaged(task, "DONE cannot be read") from None

    @contextlib.contextmanager
    def working(self, task: Task, wait: bool = True) -> Iterator[Path | None]:
        """Locks a run and yields the folder to work in; on exit, writes `DONE` and renames the folder.

        Args:
            task: the run to do.
            wait: wait while another process works on the run; otherwise raise Busy.

        Yields:
            The folder, with the files that a killed process left; None if another process has finished the run
            meanwhile.

        Raises:
            Busy: another process works on the run (only if `wait` is False).
            Damaged: the run was finished, but a file is missing or has another length.
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
            # After a power cut, DONE must not exist next to files whose content never reached the disk.
            (partial / "DONE").unlink(missing_ok=True)  # left by a process that was killed before the rename
            written = files.contents(partial)
            for name in written:
                files.flush(partial / name)
            files.write_json(partial / "DONE", {**done, "files": written})
            files.flush(partial / "DONE")
            os.rename(partial, self.folder(task))

    @contextlib.contextmanager
    def _locked(self, task: Task, wait: bool) -> Iterator[None]:
        """Holds the lock of a run. It is a lock of the operating system: it is released however its process ends."""
        path = self.work / f".{task.name}.lock"
        handle = _held(path, wait)
        try:
            handle.truncate(0)
            handle.write(f"{os.getpid()} on {socket.gethostname()}\n")
            handle.flush()
            yield
        finally:
            # Safe while the lock is held: waiters that have opened this file check after locking that it still exists.
            path.unlink(missing_ok=True)
            handle.close()


def finished(work: Path) -> Iterator[Path]:
    """The folders of all finished runs, without those that were quarantined.

    Args:
        work: the runs folder's `work`.
    """
    return (path.parent for path in work.glob("*/DONE") if "." not in path.parent.name)


def integrity_errors(folder: Path, lengths_only: bool = False) -> Iterator[str]:
    """What is wrong with the files of a finished run, as text.

    Args:
        folder: the run's folder.
        lengths_only: compare the lengths of the files only, not their SHA-256.
    """
    try:
        written = read_record(folder).files
    except (OSError, ValueError):
        yield "DONE cannot be read"
        return
    yield from files.integrity_errors(folder, written, lengths_only)


def _held(path: Path, wait: bool) -> TextIO:
    """The lock file at `path`, opened and locked; raises Busy if `wait` is False and another process holds it."""
    while True:
        handle = open(path, "a")  # noqa: SIM115 - closed by the caller
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            # The file may have been unlinked, or replaced, between opening and locking it: then the lock is worthless.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle.fileno()), path.stat()):
                    return handle
        except BlockingIOError:
            handle.close()
            raise Busy(path.name) from None
        handle.close()
