"""A task: one run to be done, named by a digest of everything that determines its result."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from indomain import files
from indomain.progress import Progress, silent
from indomain.runs.tags import Tags


class Busy(Exception):
    """Another process works on this run."""


class Damaged(Exception):
    """A file of a finished run has changed or is missing.

    Args:
        task: the run's task.
        what: what is wrong, as text.
    """

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
        version: that stage's version, which is raised when its results change.
        params: everything else that determines the result, as JSON.
        inputs: the runs that it reads: role -> a task, or several.
        kind: which of the stage's kinds of run it is; "" is the main one.
        tags: coordinates in the table; not part of the identity.
        paths: folders that it reads (prepared sets, splits); not part of the identity, their digests are in `params`.
        like: runs of the same stage and `like` take about the same time; not part of the identity.
        despite_divergence: whether it is done although a training among its inputs diverged; any other run then counts
            as diverged, too.
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
        """The digest of `identity`."""
        return files.digest_of(self.identity())

    def identity(self) -> dict[str, Any]:
        """Everything that determines the result, as JSON."""
        inputs = {
            role: needed.digest if isinstance(needed, Task) else [task.digest for task in needed]
            for role, needed in self.inputs.items()
        }
        return {
            "stage": self.stage,
            "kind": self.kind,
            "version": self.version,
            "params": self.params,
            "inputs": inputs,
        }

    def needed(self) -> list["Task"]:
        """The tasks of all inputs."""
        tasks: list[Task] = []
        for needed in self.inputs.values():
            tasks += [needed] if isinstance(needed, Task) else needed
        return tasks

    def input(self, role: str) -> "Task":
        """The single task of a role."""
        task = self.inputs[role]
        assert isinstance(task, Task)
        return task

    def several(self, role: str) -> list["Task"]:
        """The tasks of a role that has several; [] if the role is absent."""
        tasks = self.inputs.get(role, [])
        assert isinstance(tasks, list)
        return tasks

    @property
    def name(self) -> str:
        """The name of the run's folder."""
        return f"{self.stage}-{self.digest}"

    def on_images(self, rows: str, paths: dict[str, Any], tags: Tags) -> "Task":
        """The same run on other images, for runs that depend on them by the digest `rows` alone, as features do.

        Args:
            rows: the digest of the other images.
            paths: where they are, as `indomain.data.split.Split.paths` returns it.
            tags: coordinates of the run.
        """
        paths = {**{key: self.paths[key] for key in ("start",) if key in self.paths}, **paths}
        return replace(self, params={**self.params, "rows": rows}, tags=tags, paths=paths)

    def title(self) -> str:
        """One line that describes the run."""
        words = [self.tags.title(), *([self.kind] if self.kind else [])]
        return f"{self.stage}: {' · '.join(words)}"

    def record(self) -> dict[str, Any]:
        """The content of `task.json`: the identity, the tags and `like`."""
        return {**self.identity(), "tags": self.tags.words(), "like": self.like}


@dataclass(frozen=True)
class Work:
    """The argument of a stage's `run`.

    Attributes:
        task: the task to do.
        folder: where its files go; any files in it were left by a killed process.
        inputs: role -> the folder of the finished run, or several.
        progress: called with a text and the share of the work done.
    """

    task: Task
    folder: Path
    inputs: dict[str, Any]
    progress: Progress = silent

    @property
    def params(self) -> dict[str, Any]:
        """The task's parameters."""
        return self.task.params


def find(tasks: Iterable[Task], stage: str, kind: str | None = "", **tags: Any) -> list[Task]:
    """The tasks of a stage that carry all given tags.

    Args:
        tasks: the tasks to search.
        stage: name of the stage.
        kind: the kind of run; None: any kind.
        **tags: attribute name of `Tags` -> value.
    """
    candidates = [task for task in tasks if task.stage == stage and kind in (None, task.kind)]
    return [task for task in candidates if task.tags.matches(**tags)]


def unique(tasks: list[Task]) -> list[Task]:
    """The tasks without repetitions: each run once, under its first tags and in its first place, before what needs it."""
    found: dict[str, Task] = {}
    for task in tasks:
        found.setdefault(task.digest, task)
    return list(found.values())
