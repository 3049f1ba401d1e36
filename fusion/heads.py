"""Fusion of the networks' own heads: combines their scores of the same images, as stored in `predictions.csv`."""

from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from fusion.registry import RULES
from fusion.scores import WEIGHTS, logarithms
from indomain.artifacts import predictions
from indomain.artifacts.record import read_record
from indomain.runs.task import Work


def fuse(work: Work) -> dict[str, Any]:
    """Writes `predictions.csv` (test images) of a `heads` run; returns facts for the run's record.

    Weights and the stacker are fitted on the validation images.
    """
    classes, rule = work.params["classes"], RULES[work.params["rule"]].of_heads
    folders = work.inputs["networks"]
    members = [predictions.read(folder / "predictions.csv", classes) for folder in folders]
    rows, y, _ = members[0]
    is_test, is_validation = (rows["split"] == "test").to_numpy(), (rows["split"] == "val").to_numpy()
    test_scores = [scores[is_test] for *_, scores in members]
    validation_scores, validation_y = [scores[is_validation] for *_, scores in members], y[is_validation]
    facts: dict[str, Any] = {}
    if rule == "stacking":
        stacker = LogisticRegression(max_iter=1000).fit(logarithms(validation_scores), validation_y)
        # Validation images need not have every class.
        fused = np.zeros((int(is_test.sum()), len(classes)))
        fused[:, stacker.classes_] = stacker.predict_proba(logarithms(test_scores))
    else:
        weights = np.full(len(members), 1 / len(members))
        if rule in WEIGHTS:
            weights = WEIGHTS[rule](validation_scores, validation_y)
            facts["weights"] = weights.round(4).tolist()
        fused = np.einsum("k,knc->nc", weights, np.stack(test_scores))
    table = rows[is_test].assign(y=y[is_test]).reset_index(drop=True)
    predictions.write(work.folder / "predictions.csv", table, fused, classes)
    # The fusion has learnt from as many images as the heads.
    return {"images": read_record(folders[0]).facts["images"], **facts}
