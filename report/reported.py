"""The registry of reported numbers: a TOML file next to a paper's recipes, one table per number.

[skin-scratch]
task = "skin cancer, from scratch"
metric = "f1"
value = 0.8909              # 0–1; left out: not available
mark = "V"                  # V: verified in the source, D: derived from verified numbers
source = "abstract"
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from indomain.errors import RequestError, unknown
from indomain.toml import Table, read_toml, validated


class Number(Table):
    """A number reported in a paper, or the statement that it is not available."""

    # The task, as the page prints it.
    task: str
    # Name of the metric, as the table prints it.
    metric: str
    # The number, 0 … 1; left out if it is not available.
    value: float | None = None
    # "V": verified in the source; "D": derived from verified numbers; "not found": in no accessible source.
    mark: Literal["V", "D", "not found"]
    # Where in the paper the number is reported.
    source: str
    # The data that it was measured on.
    data: str = ""

    @model_validator(mode="after")
    def _absent_is_marked(self) -> "Number":
        if (self.value is None) != (self.mark == "not found"):
            raise ValueError('a number has a value and the mark "V" or "D"; one without has the mark "not found"')
        return self


class Beside(Table):
    """The rows that a reported number is listed next to: all rows that match every key given here."""

    # Name of the target.
    target: str = ""
    # Name of the chain.
    chain: str = ""
    # Label of the backbone.
    backbone: str = ""
    # The method, as the table prints it.
    method: str = ""
    # The unit of counting, as the table prints it.
    level: str = ""
    # The profile, "strict" or "paper".
    profile: str = ""
    # The label budget, as the table prints it.
    budget: str = ""
    # Whether data and split are the paper's own; only then is the difference shown.
    same: bool = Field(default=False)


def load(path: Path) -> dict[str, Number]:
    """Reads a registry: name -> number.

    Args:
        path: a TOML file with one table per number.

    Raises:
        RequestError: there is no such file, or its contents are invalid.
    """
    if not path.is_file():
        raise RequestError(f"report.registry: no file {path}.")
    return {name: validated(Number, table, f"{path}: [{name}]") for name, table in read_toml(path).items()}


def beside(numbers: dict[str, Number], wanted: dict[str, Beside], path: Path) -> list[dict[str, Any]]:
    """The reported numbers that are listed in the table, each with the coordinates of its rows.

    Args:
        numbers: the registry, as `load` returns it.
        wanted: name of a number -> the rows that it is listed next to.
        path: file of the registry, for messages.

    Raises:
        RequestError: a number is not in the registry, or has no value.
    """
    entries = []
    for name, rows in wanted.items():
        if name not in numbers:
            raise unknown("reported number", name, numbers, f"report.beside ({path})")
        number = numbers[name]
        if number.value is None:
            raise RequestError(f"report.beside.{name}: {path} has no value for it, only that it is not available.")
        entries.append({**rows.model_dump(), "metric": number.metric, "value": number.value, "source": number.source})
    return entries
