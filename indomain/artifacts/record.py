"""`DONE`: the record of a finished run. This is the only module that reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indomain import files

NAME = "DONE"
_ATTRIBUTES = ("title", "started", "seconds", "peak_memory_mb", "diverged", "files")


@dataclass(frozen=True)
class RunRecord:
    """What a finished run reports.

    Attributes:
        title: one line that describes the run.
        started: time of the start, in UTC, as ISO 8601.
        seconds: duration of the run.
        peak_memory_mb: the peak memory of the run's process, in MB (2^20 bytes).
        files: name -> [length in bytes, SHA-256] of every file.
        diverged: what diverged, as text; None where all values are finite.
        facts: what the stage reports: images, epochs, versions and so on.
    """

    title: str
    started: str
    seconds: float
    peak_memory_mb: float
    files: dict[str, list]
    diverged: str | None
    facts: dict[str, Any]


def read_record(folder: Path) -> RunRecord:
    """The record in the folder of a finished run.

    Args:
        folder: the run's folder.

    Raises:
        OSError: there is no record.
        ValueError: the record cannot be read.
    """
    saved = files.read_json(folder / NAME)
    facts = {name: value for name, value in saved.items() if name not in _ATTRIBUTES}
    return RunRecord(
        saved.get("title", ""),
        saved.get("started", ""),
        saved.get("seconds", 0.0),
        saved.get("peak_memory_mb", 0.0),
        saved.get("files", {}),
        saved.get("diverged"),
        facts,
    )
