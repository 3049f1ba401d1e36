"""Keeps a recipe's table under results/: python -m benchmarks.keep RECIPE [RUNS_DIR]; then `make pages`

Writes results/<recipe>.csv (the table as it was printed), results/<recipe>.json (date, seconds of each stage, versions of
stages and libraries, machine) and the figures of numbers as results/<recipe>-<figure>.png.
"""

import importlib
import os
import platform
import shutil
import sys
from pathlib import Path

import pandas as pd

from benchmarks.ratios import RESULTS
from indomain import __version__, files
from indomain.artifacts.record import read_record
from indomain.data import duplicates
from indomain.runs import publishing
from indomain.runs.folder import finished
from indomain.runs.stages import STAGES

LARGEST = 1_000_000  # bytes of a figure that is kept


def stage_versions() -> dict[str, int]:
    """Stage -> the VERSION of its results in this code."""
    return {stage: importlib.import_module(f"{stage}.plan").VERSION for stage in STAGES}


def keep(recipe: str, runs: Path) -> None:
    """Copies the table and records how it came to be."""
    folder = runs / recipe
    name = recipe.replace("/", "-")
    files.write_text(RESULTS / f"{name}.csv", (folder / "table.csv").read_text(encoding="utf-8"))
    for figure in files.read_json(folder / publishing.LIST):
        # Panels and contact sheets show images. The figures of numbers are kept, but for those of hundreds of rows, which nobody
        # can read: the table has them.
        of_numbers = figure.endswith(".png") and not figure.startswith(("panel-", "sheet-", "errors-"))
        if of_numbers and (folder / figure).stat().st_size <= LARGEST:
            shutil.copyfile(folder / figure, RESULTS / f"{name}-{figure}")
    stages = pd.read_csv(folder / "stages.csv")
    records = [read_record(folder) for folder in finished(runs / "work") if folder.name.startswith("finetune-")]
    last = max(records, key=lambda record: record.started)
    files.write_json(
        RESULTS / f"{name}.json",
        {
            "recipe": recipe,
            "date": last.started[:10],
            "seconds": dict(zip(stages["stage"], stages["seconds"])),
            "peak_memory_mb": float(stages["peak_memory_mb"].max()),
            "versions": {"indomain": __version__, "python": platform.python_version(), **last.facts["versions"]},
            "stage_versions": stage_versions(),
            "gate": duplicates.VERSION,
            "cores": os.cpu_count(),
            **({"said": files.read_json(folder / "said.json")} if (folder / "said.json").is_file() else {}),
        },
    )
    # The tables of a matrix are as long as the other; the page prints what they say.
    for other in (
        "gains.csv",
        "transferability.csv",
        "adaptation.csv",
        "synthesis.csv",
        "synthetic_images.csv",
        "subgroups.csv",
        "sizes.csv",
    ):
        if (folder / other).is_file():
            shutil.copyfile(folder / other, RESULTS / f"{name}-{other}")
    print(f"kept {RESULTS / name}.csv and .json")


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "runs"))
