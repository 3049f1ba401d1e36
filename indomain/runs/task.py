"""A task: one run to be done, named by a digest of everything that determines its result."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from indomain import files
from indomain.progress import Progress, silent
from indomain.runs.tags import Tags


class Busy(Exception):
    """Another process works on this run."""


class Damaged(Exception):
    """A file of a finished run has changed or is missing."""

    def __init__(self, task: "Task", what: str) -> None:
        super().__init__(task, what)
        self.task, self.what = task, what

    def __str__(self) -> str:
        return f"{self.task.title()} ({self.task.name}): {self.what}"


@dataclass(frozen=True)
class Task:
    """One run to be done.

    Attributes:
        stage: the package that does it.
        version: that stage's version; raise it when its results change.
        params: everything else that determines the result, as JSON.
        inputs: the runs that it reads: role -> a task, or several.
        kind: which of the stage's kinds of run it is; "" is its main one.
        tags: where it stands in the table; not part of its identity.
        paths: folders that it reads (prepared sets, splits); not part of its identity, their digests are in params.
        like: runs of the same stage and `like` take about the same time; not part of its identity.
        despite_divergence: it is done though a training among its inputs diverged; any other run has then diverged, too.
    """

    stage: str
    version: int
    params: dict[str, Any]
    inputs: dict[str, "Task | list[Task]"] = field(default_factory=dict)
    kind: str = ""
    tags: Tags = field(default_factory=Tags)
    paths: dict[str, Any] = field(default_factory=dict)
    like: str = ""
    despite_divergence: bool = False

    @cached_property
    def digest(self) -> str:
        return files.digest_of(self.identity())

    def identity(self) -> dict[str, Any]:
        """Everything that determines the result, as JSON."""
        kind = {"do": self.kind} if self.kind else {}
        return {
            "stage": self.stage,
            "version": self.version,
            "params": {**self.params, **kind},
            "inputs": self._input_digests(),
        }

    def _input_digests(self) -> dict[str, Any]:
        found: dict[str, str] = {}
        for role, given in self.inputs.items():
            if isinstance(given, Task):
                found[role] = given.digest
            else:
                name = {"networks": "network", "shown": ""}.get(role, role)
                found |= {f"{name}{number}": task.digest for number, task in enumerate(given)}
        return found

    def needed(self) -> list["Task"]:
        """The tasks of all inputs."""
        every: list[Task] = []
        for given in self.inputs.values():
            every += [given] if isinstance(given, Task) else given
        return every

    def input(self, role: str) -> "Task":
        """The one task of a role."""
        given = self.inputs[role]
        assert isinstance(given, Task)
        return given

    def several(self, role: str) -> list["Task"]:
        """The tasks of a role that has several."""
        given = self.inputs.get(role, [])
        assert isinstance(given, list)
        return given

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"{self.stage}-{self.digest}"

    def title(self) -> str:
        """One line for a person."""
        words = [self.tags.title(), *([self.kind] if self.kind else [])]
        return f"{self.stage}: {' · '.join(words)}"

    def record(self) -> dict[str, Any]:
        """What `task.json` holds: what was asked."""
        return {**self.identity(), "tags": self.tags.words(), "like": self.like}


@dataclass(frozen=True)
class Work:
    """What a stage's `run` gets.

    Attributes:
        task: what is asked.
        folder: where its files go; what is there was left by a killed process.
        inputs: role -> the finished folder, or several.
        progress: told how far it is.
    """

    task: Task
    folder: Path
    inputs: dict[str, Any]
    progress: Progress = silent

    @property
    def params(self) -> dict[str, Any]:
        return self.task.params


def find(tasks: Iterable[Task], stage: str, kind: str | None = "", **tags: Any) -> list[Task]:
    """The tasks of a stage and kind (None: of any kind) that carry all these tags."""
    found = [task for task in tasks if task.stage == stage and kind in (None, task.kind)]
    return [task for task in found if task.tags.matches(**tags)]


def unique(tasks: list[Task]) -> list[Task]:
    """Each run once, under its first tags and in its first place: what needs it stands behind it."""
    found: dict[str, Task] = {}
    for task in tasks:
        found.setdefault(task.digest, task)
    return list(found.values())
