"""Robustness: a network's scores of its test images as they are, corrupted, and under each condition of a marker.

The test images of a target with a marker carry it as learnt, as they do in the network's own predictions; they are corrupted
with it. Only the conditions of the marker change it.
"""

from typing import Any

from indomain.artifacts.explanations import CLEAN, MARKER, CorruptedRows
from indomain.data.images import confounders, corruptions
from indomain.data.split import Split
from indomain.networks import inference, weights
from indomain.runs.task import Work


def run(work: Work) -> dict[str, Any]:
    """Writes the `corrupted.csv` of a `robustness` run; returns facts for the run's record."""
    params, split = work.params, Split.open(work.task.paths)
    table = split.labelled(params)
    test = table[table["split"] == "test"].reset_index(drop=True)
    model = weights.load(work.inputs["network"] / "model.keras")
    plain = split.images(model.input_shape[-1])(test["row"].to_numpy())
    images = plain
    if "confounder" in params:
        images = confounders.tested_images(plain, test, "as learnt", params["confounder"])
    rows = CorruptedRows(test, params["classes"])
    if "corruptions" in params:
        rows.add(CLEAN, 0, inference.predict_arrays(model, images))
    conditions = [(name, severity) for name in params.get("corruptions", []) for severity in params["severities"]]
    for number, (name, severity) in enumerate(conditions):
        work.progress(f"{name} {severity}", number / len(conditions))
        corrupted = corruptions.corrupt(images, name, severity, params["seed"], test["id"].tolist())
        rows.add(name, severity, inference.predict_arrays(model, corrupted))
    if "confounder" in params:
        for number, condition in enumerate(confounders.CONDITIONS):
            marked = confounders.tested_images(plain, test, condition, params["confounder"])
            rows.add(f"{MARKER}{condition}", number, inference.predict_arrays(model, marked))
    rows.write(work.folder)
    return {"images": len(test), "learnt": int((table["split"] == "train").sum())}
