"""Single numbers, each a function from the house and its arguments to text."""

import math
import re

from benchmarks.pages.comparing import interval, picked
from benchmarks.pages.house import House, Row, taken
from benchmarks.pages.markdown import about
from indomain.errors import RequestError


def minutes(house: House, recipe: str, stage: str = "") -> str:
    """Minutes of a kept recipe (or of one of its stages), summed over its runs and rounded up."""
    spent = house.record(recipe)["seconds"]
    return str(math.ceil((taken(spent, stage, "stage") if stage else sum(spent.values())) / 60))


def cell(house: House, recipe: str, column: str = "mean", digits: str = "3", **where: str) -> str:
    """One cell of a kept table: `where` has to leave one row. column: any of the CSV, or "interval"."""
    table, name = house.table(recipe), recipe.replace("/", "-")
    rows = picked(table, {"level": table[0]["level"], **where})
    if len(rows) != 1:
        raise RequestError(f"results/{name}.csv: {len(rows)} rows have {where}; one is needed")
    if column == "interval":
        return interval(rows[0])
    text = taken(rows[0], column, "column")
    return f"{float(text):.{digits}f}" if re.fullmatch(r"-?[\d.]+(e-?\d+)?", text) else text


def measured(house: House, name: str, what: str, column: str = "", digits: str = "") -> str:
    """A cell of results/bench-<name>.csv: of the one row that `what` is part of, by default the first value."""
    row = benchmark(house, name, what)
    text = taken(row, column or list(row)[1], "column")
    return f"{float(text):.{digits}f}" if digits else text


def rate(house: House, name: str, what: str) -> str:
    """Images per second of a benchmark that states seconds, and in its name first of all how many images."""
    row = benchmark(house, name, what)
    return about(int(re.findall(r"\d+", row["what"])[0]) / float(row["ours"]))


def benchmark(house: House, name: str, what: str) -> Row:
    rows = house.rows(f"bench-{name}")
    found = [row for row in rows if what in next(iter(row.values()))]
    if len(found) != 1:
        raise RequestError(f"results/bench-{name}.csv: {len(found)} rows contain {what!r}; one is needed")
    return found[0]
