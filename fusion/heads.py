"""Fusion of the networks' own heads: their scores of the same images, as `predictions.csv` holds them, become one."""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from fusion.scores import WEIGHTS, logarithms
from indomain import files
from indomain.artifacts import predictions
from indomain.runs.task import Task


def fuse(task: Task, folder: Path, inputs: dict[str, Path]) -> dict[str, Any]:
    """Writes `predictions.csv` (test images) of a `heads` run; weights and a stacker learn on the validation images.

    Returns:
        Facts for the run's record.
    """
    classes, rule = task.params["classes"], task.params["rule"]
    places = [inputs[f"network{number}"] for number in range(len(inputs))]
    read = [predictions.read(place / "predictions.csv", classes) for place in places]
    rows, y, _ = read[0]
    test, chosen = (rows["split"] == "test").to_numpy(), (rows["split"] == "val").to_numpy()
    scores = [found for *_, found in read]
    facts: dict[str, Any] = {}
    if rule == "score-stacking":
        learnt = LogisticRegression(max_iter=1000).fit(logarithms([one[chosen] for one in scores]), y[chosen])
        fused = np.zeros((int(test.sum()), len(classes)))
        fused[:, learnt.classes_] = learnt.predict_proba(logarithms([one[test] for one in scores]))
    else:
        weights = np.full(len(scores), 1 / len(scores))
        if rule != "score-mean":
            weights = WEIGHTS[rule.removeprefix("score-")]([one[chosen] for one in scores], y[chosen])
            facts["weights"] = weights.round(4).tolist()
        fused = np.einsum("k,knc->nc", weights, np.stack([one[test] for one in scores]))
    table = rows[test].assign(y=y[test]).reset_index(drop=True)
    predictions.write(folder / "predictions.csv", table, fused, classes)
    # What the heads learnt from is what the fusion did.
    return {"images": files.read_json(places[0] / "DONE")["images"], **facts}
