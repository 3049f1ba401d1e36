"""`DONE`: the record of a finished run. Read here and nowhere else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indomain import files

NAME = "DONE"
_OWN = ("title", "started", "seconds", "peak_memory_mb", "diverged", "files")


@dataclass(frozen=True)
class RunRecord:
    """What a finished run says of itself.

    Attributes:
        title: one line for a person.
        started: when, in UTC, as ISO 8601.
        seconds: how long it took.
        peak_memory_mb: the most memory that its process held meanwhile, in MB (2^20 bytes).
        files: name -> [length, SHA-256] of every file.
        diverged: what diverged, as text; None where all numbers are finite.
        facts: what the stage reports: images, epochs, versions ...
    """

    title: str
    started: str
    seconds: float
    peak_memory_mb: float
    files: dict[str, list]
    diverged: str | None
    facts: dict[str, Any]


def read_record(folder: Path) -> RunRecord:
    """The record of a finished run.

    Raises:
        OSError: there is none.
        ValueError: it cannot be read.
    """
    saved = files.read_json(folder / NAME)
    facts = {name: value for name, value in saved.items() if name not in _OWN}
    return RunRecord(
        saved.get("title", ""),
        saved.get("started", ""),
        saved.get("seconds", 0.0),
        saved.get("peak_memory_mb", 0.0),
        saved.get("files", {}),
        saved.get("diverged"),
        facts,
    )
