"""Fusion of the networks' own heads: their scores of the same images, as `predictions.csv` holds them, become one."""

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from fusion.registry import RULES
from fusion.scores import WEIGHTS, logarithms
from indomain.artifacts import predictions
from indomain.artifacts.record import read_record
from indomain.runs.task import Work


def fuse(work: Work) -> dict[str, Any]:
    """Writes `predictions.csv` (test images) of a `heads` run; weights and a stacker learn on the validation images.

    Returns:
        Facts for the run's record.
    """
    classes, rule = work.params["classes"], RULES[work.params["rule"]].of_heads
    folders = work.inputs["networks"]
    read = [predictions.read(folder / "predictions.csv", classes) for folder in folders]
    rows, y, _ = read[0]
    test, chosen = (rows["split"] == "test").to_numpy(), (rows["split"] == "val").to_numpy()
    scores = [found for *_, found in read]
    facts: dict[str, Any] = {}
    if rule == "stacking":
        learnt = LogisticRegression(max_iter=1000).fit(logarithms([one[chosen] for one in scores]), y[chosen])
        fused = np.zeros((int(test.sum()), len(classes)))
        fused[:, learnt.classes_] = learnt.predict_proba(logarithms([one[test] for one in scores]))
    else:
        weights = np.full(len(scores), 1 / len(scores))
        if rule in WEIGHTS:
            weights = WEIGHTS[rule]([one[chosen] for one in scores], y[chosen])
            facts["weights"] = weights.round(4).tolist()
        fused = np.einsum("k,knc->nc", weights, np.stack([one[test] for one in scores]))
    table = rows[test].assign(y=y[test]).reset_index(drop=True)
    predictions.write(work.folder / "predictions.csv", table, fused, classes)
    # What the heads learnt from is what the fusion did.
    return {"images": read_record(folders[0]).facts["images"], **facts}
