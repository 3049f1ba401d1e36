"""Tasks of a stage that does next to nothing (`stages/noting/run.py`), and a view that remembers."""

from typing import Any

from indomain.runs.task import Task


def note(name: str, *inputs: Task, like: str = "", despite_divergence: bool = False, **params: Any) -> Task:
    """A task that writes the texts of its inputs and its own name."""
    given: dict[str, Any] = {"notes": list(inputs)} if inputs else {}
    return Task("noting", 1, {"name": name, **params}, given, like=like or name, despite_divergence=despite_divergence)


def diamond() -> list[Task]:
    """Four tasks: b and c need a, d needs both."""
    a = note("a")
    b, c = note("b", a), note("c", a)
    return [a, b, c, note("d", b, c)]


class Remembering:
    """A view that remembers what was done here."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.said: list[str] = []

    def begin(self, task: Task, here: bool) -> None:
        if here:
            self.did.append(task.params["name"])

    def progress(self, text: str, share: float | None = None) -> None:
        self.said.append(text)

    def end(self, task: Task) -> None:
        pass
