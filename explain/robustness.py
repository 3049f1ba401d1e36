"""Robustness: a network's scores of its test images, whole and spoilt, and under each condition of a confounder's mark."""

from pathlib import Path
from typing import Any

import pandas as pd

from explain import scorers
from indomain import files
from indomain.data.budget import labelled_rows
from indomain.data.images import confounders, corruptions
from indomain.data.split import open_split
from indomain.networks import weights
from indomain.progress import Note
from indomain.runs.task import Task


def write_scores(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Writes `corrupted.csv` of a `robustness` run; returns facts for the run's record."""
    params = task.params
    listing = open_split(task.places)
    table = labelled_rows(listing.table(params["fold"]), params["budget"], params["validation"])
    test = table[table["split"] == "test"].reset_index(drop=True)
    model = weights.load(inputs["network"] / "model.keras")
    images = listing.pictures(model.input_shape[-1])(test["row"].to_numpy())
    frames = []

    def look(name: str, severity: int, pictures: Any) -> None:
        found = pd.DataFrame(scorers.in_batches(model, pictures), columns=[f"score_{n}" for n in params["classes"]])
        frames.append(pd.concat([test[["id", "group", "y"]].assign(corruption=name, severity=severity), found], axis=1))

    if params.get("corruptions"):
        look("none", 0, images)
    every = [(name, severity) for name in params.get("corruptions", []) for severity in params["severities"]]
    for number, (name, severity) in enumerate(every):
        note(f"{name} {severity}", number / len(every))
        look(name, severity, corruptions.spoil(images, name, severity, params["seed"], test["id"].tolist()))
    if params.get("confounder"):
        for number, condition in enumerate(confounders.CONDITIONS):
            look(
                f"mark {condition}", number, confounders.tested_pictures(images, test, condition, params["confounder"])
            )
    with files.written(folder / "corrupted.csv") as temporary:
        pd.concat(frames).to_csv(temporary, index=False, float_format="%.8f")
    return {"images": len(test), "learnt": int((table["split"] == "train").sum())}
