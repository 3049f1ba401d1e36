"""The registry of reported numbers: a TOML file next to a paper's recipes, one table per number.

[skin-scratch]
task = "skin cancer, from scratch"
metric = "f1"
value = 0.8909              # 0–1; left out: not available
mark = "V"                  # V verified in the source, D derived from verified numbers
source = "abstract"
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from indomain.errors import RequestError, unknown
from indomain.toml import Table, read_toml, validated


class Number(Table):
    """One number of a paper, or the word that it is not available."""

    task: str
    metric: str
    value: float | None = None
    mark: Literal["V", "D", "not found"]
    source: str
    data: str = ""

    @model_validator(mode="after")
    def _absent_is_marked(self) -> "Number":
        if (self.value is None) != (self.mark == "not found"):
            raise ValueError('a number has a value and the mark "V" or "D"; one without has the mark "not found"')
        return self


class Beside(Table):
    """Which rows of a table a reported number is listed next to: those that have all that is named here."""

    target: str = ""
    chain: str = ""
    backbone: str = ""
    method: str = ""
    level: str = ""
    profile: str = ""
    budget: str = ""
    # Data and split are the paper's own: only then is a difference printed.
    same: bool = Field(default=False)


def load(path: Path) -> dict[str, Number]:
    """Every number of a registry.

    Raises:
        RequestError: no such file, or something in it is wrong.
    """
    if not path.is_file():
        raise RequestError(f"report.registry: no file {path}.")
    return {name: validated(Number, table, f"{path}: [{name}]") for name, table in read_toml(path).items()}


def beside(numbers: dict[str, Number], wanted: dict[str, Beside], path: Path) -> list[dict[str, Any]]:
    """The reported numbers that are listed in the table, each with the coordinates of its rows."""
    found = []
    for name, rows in wanted.items():
        if name not in numbers:
            raise unknown("reported number", name, numbers, f"report.beside ({path})")
        number = numbers[name]
        if number.value is None:
            raise RequestError(f"report.beside.{name}: {path} has no value for it, only that it is not available.")
        found.append({**rows.model_dump(), "metric": number.metric, "value": number.value, "source": number.source})
    return found
