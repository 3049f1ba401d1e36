"""Two things in turn, A B A B ..., and the median of the ratios: what holds on a noisy machine."""

import csv
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).resolve().parent.parent / "results"


def seconds_of(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def compare(first: Callable[[], object], second: Callable[[], object], times: int = 5) -> tuple[float, float, float]:
    """Median seconds of both, and the median of second / first: how many times faster the first is."""
    first(), second()  # warm: files in the cache, libraries imported
    pairs = [(seconds_of(first), seconds_of(second)) for _ in range(times)]
    return median(a for a, _ in pairs), median(b for _, b in pairs), median(b / a for a, b in pairs)


def write(name: str, rows: list[dict[str, object]]) -> None:
    """Prints the rows and writes them to results/bench-<name>.csv with date and machine, unless a row has its own."""
    where = {"date": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), "python": platform.python_version()}
    rows = [{**row, **{key: row.get(key, value) for key, value in where.items()}} for row in rows]
    RESULTS.mkdir(exist_ok=True)
    with open(RESULTS / f"bench-{name}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
