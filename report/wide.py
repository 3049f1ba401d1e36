"""The papers' kind of table: one row per chain and method, one column per metric."""

from dataclasses import dataclass

import pandas as pd

from report.comparison import PRIMARY

COORDINATES = ["profile", "target", "budget", "backbone", "method", "level", "chain"]


@dataclass(frozen=True)
class Cell:
    """A number of the table.

    Attributes:
        mean: the mean; None where there is no number.
        low: lower end of the 95 % interval.
        high: its upper end.
        mark: "better" or "worse", where the verdict of the primary family says so; else "".
    """

    mean: float | None = None
    low: float = float("nan")
    high: float = float("nan")
    mark: str = ""


@dataclass(frozen=True)
class Line:
    """A row of the table.

    Attributes:
        coordinates: column -> text.
        cells: one per metric.
        note: why there are no numbers; "" if there are.
    """

    coordinates: dict[str, str]
    cells: list[Cell]
    note: str = ""


@dataclass(frozen=True)
class Wide:
    """A table.

    Attributes:
        columns: the coordinates in which its rows differ, and the chain.
        metrics: names of its metrics.
        lines: its rows.
    """

    columns: list[str]
    metrics: list[str]
    lines: list[Line]


def wide(table: pd.DataFrame) -> Wide:
    """The table of some rows.

    Args:
        table: rows as in `table.csv`, at least one.
    """
    metrics = list(dict.fromkeys(table["metric"]))
    columns = [name for name in COORDINATES if table[name].nunique() > 1 or name == "chain"]
    lines = []
    for key, part in table.groupby(COORDINATES, sort=False, dropna=False):
        coordinates = {name: "" if pd.isna(word) else str(word) for name, word in zip(COORDINATES, key)}
        by_metric = {row.metric: row for row in part.itertuples()}
        cells = [_cell(by_metric[name]) if name in by_metric else Cell() for name in metrics]
        without = all(cell.mean is None for cell in cells)
        note = str(part["note"].dropna().iloc[0]) if without and part["note"].notna().any() else ""
        lines.append(Line({name: coordinates[name] for name in columns}, cells, note))
    return Wide(columns, metrics, lines)


def _cell(row) -> Cell:
    if pd.isna(row.mean):
        return Cell()
    claimed = row.family == PRIMARY and row.verdict in ("better", "worse")
    return Cell(float(row.mean), float(row.ci_low), float(row.ci_high), row.verdict if claimed else "")
