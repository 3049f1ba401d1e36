"""Fine-tuning on stored features: where the backbone does not change, its features of each image are computed only once."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from finetune.strategies import fit_function
from indomain.networks import architecture, features, inference
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model | None, examples: Examples, held_out: pd.DataFrame, params: dict[str, Any], trainer: Trainer
) -> tuple[keras.Model, np.ndarray, dict[str, Any]]:
    """Fits a head on stored features and puts it on the backbone.

    Args:
        backbone: the network that the features come from, with the same weights; None if they are given.
        examples: features (n, d) instead of images.
        held_out: the images to predict; their features are found by the column `row`.
        params: the task's parameters, with `strategy` and `classes`.
        trainer: for strategies that train.

    Returns:
        The network from images, or from features that are given, to scores, the scores (images, classes) of the held-out
        images, and facts for the run's record.
    """
    rows = held_out["row"].to_numpy()
    width = examples.images(rows[:1]).shape[1]
    stand_in = features.stand_in(backbone.name if backbone else "features", width)
    head, facts = fit_function(params["strategy"])(stand_in, examples, len(params["classes"]), trainer)
    scorer = architecture.with_scores(head)
    scores = inference.predict(scorer, examples.images, rows)
    return architecture.with_scores(features.graft(backbone, head)) if backbone else scorer, scores, facts
