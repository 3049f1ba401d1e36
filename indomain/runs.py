"""Runs: one unit of work each, named by a digest of everything that determines its result.

    <runs folder>/work/<stage>-<digest>/
        task.json       what was asked: stage, version, parameters, digests of the inputs
        ...             what the stage writes: model.keras, predictions.csv, log.csv ...
        DONE            when, how long, how much memory, with which versions; its presence means: finished

A run is worked on in `<stage>-<digest>.partial/` and renamed when finished. A run that is done is never done again.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from indomain import files


@dataclass(frozen=True)
class Task:
    """One run to be done.

    Attributes:
        stage: the package that does it.
        version: that stage's version; raise it when its results change.
        params: everything else that determines the result, as JSON.
        inputs: what it needs of other runs: role -> their tasks.
        labels: what the table calls it (target, chain, backbone, seed, fold ...); not part of its identity.
        places: folders that it reads (prepared sets, listings); not part of its identity, their digests are in params.
    """

    stage: str
    version: int
    params: dict[str, Any]
    inputs: dict[str, "Task"] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        return files.digest_of(self.identity())

    def identity(self) -> dict[str, Any]:
        inputs = {role: task.digest for role, task in self.inputs.items()}
        return {"stage": self.stage, "version": self.version, "params": self.params, "inputs": inputs}

    @property
    def name(self) -> str:
        return f"{self.stage}-{self.digest}"

    def title(self) -> str:
        """One line for a person."""
        words = [str(value) for key, value in self.labels.items() if value not in ("", None) and key != "profile"]
        return f"{self.stage}: {' · '.join(words)}"


class RunsFolder:
    """Where runs are kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / "work"

    def folder(self, task: Task) -> Path:
        return self.work / task.name

    def is_done(self, task: Task) -> bool:
        return (self.folder(task) / "DONE").is_file()

    def record(self, task: Task) -> dict[str, Any]:
        """The DONE record of a finished run."""
        return files.read_json(self.folder(task) / "DONE")

    @contextlib.contextmanager
    def working(self, task: Task) -> Iterator[Path | None]:
        """The folder to work in, or None if another process has finished the run meanwhile.

        A second process that wants the same run waits here. The lock is the operating system's: it ends with its process,
        however that ends.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        lock = self.work / f".{task.name}.lock"
        with open(lock, "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if self.is_done(task):
                yield None
                return
            partial = self.work / f"{task.name}.partial"
            partial.mkdir(exist_ok=True)
            files.write_json(partial / "task.json", {**task.identity(), "labels": task.labels})
            started, began = time.time(), time.monotonic()
            yield partial
            done = {
                "started": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(started)),
                "seconds": round(time.monotonic() - began, 3),
                "peak_memory_mb": round(peak_memory_mb()),
                **(files.read_json(partial / "facts.json") if (partial / "facts.json").is_file() else {}),
            }
            (partial / "facts.json").unlink(missing_ok=True)
            files.write_json(partial / "DONE", done)
            os.rename(partial, self.folder(task))
            with contextlib.suppress(FileNotFoundError):
                lock.unlink()


def peak_memory_mb() -> float:
    """The most memory that this process has held so far, in MB (2^20 bytes)."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
