"""The time and memory that the runs of a recipe took, stage by stage."""

from pathlib import Path

import pandas as pd

from indomain.artifacts.record import NAME, read_record

COLUMNS = ["stage", "runs", "seconds", "peak_memory_mb", "images_per_second"]


def of_stages(folders: list[Path]) -> pd.DataFrame:
    """One row per stage: number of runs, seconds, peak memory (MB), images per second (median over training runs).

    Args:
        folders: the folders of all runs; unfinished runs are skipped.
    """
    rows = []
    for folder in folders:
        if (folder / NAME).is_file():
            record = read_record(folder)
            rate = record.facts.get("images_per_second", float("nan"))
            rows.append((folder.name.split("-")[0], 1, record.seconds, record.peak_memory_mb, rate))
    grouped = pd.DataFrame(rows, columns=COLUMNS).groupby("stage", sort=False)
    table = grouped.agg(
        {"runs": "sum", "seconds": "sum", "peak_memory_mb": "max", "images_per_second": "median"}
    ).reset_index()
    return table.assign(seconds=table["seconds"].round(1))
