"""A task: one run to be done, named by a digest of everything that determines its result."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from indomain import files


class Busy(Exception):
    """Another process works on this run."""


class Damaged(Exception):
    """A file of a finished run is not what it was."""

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
        inputs: what it needs of other runs: role -> their tasks.
        labels: what the table calls it (target, chain, backbone, seed, fold ...); not part of its identity.
        places: folders that it reads (prepared sets, listings); not part of its identity, their digests are in params.
        endures: it is done though a training among its inputs diverged; any other run has then diverged, too.
    """

    stage: str
    version: int
    params: dict[str, Any]
    inputs: dict[str, "Task"] = field(default_factory=dict)
    labels: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    endures: bool = False

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
        named = ("fold", "seed", "step")
        shown = [(key, value) for key, value in self.labels.items() if value not in ("", None) and key != "profile"]
        words = [f"{key} {value}" if key in named else str(value) for key, value in shown]
        return f"{self.stage}: {' · '.join(words)}"
