"""Fine-tuning on stored features: where the backbone does not change, a head learns on what it made of each image once."""

from typing import Any

import keras
import numpy as np
import pandas as pd

from finetune.strategies import fit_function
from indomain.networks import architecture, features, inference
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, held_out: pd.DataFrame, params: dict[str, Any], trainer: Trainer
) -> tuple[keras.Model, np.ndarray, dict[str, Any]]:
    """Fits a head on features, and puts it on the backbone.

    Args:
        backbone: filled with the weights that the features were made with.
        examples: features instead of images.
        held_out: the rows to predict, with `row`.
        params: of the task.
        trainer: for strategies that train.

    Returns:
        The whole network from image to scores, the scores of the images held out, and facts for the run's record.
    """
    head, facts = fit_function(params["strategy"])(
        features.stand_in(backbone), examples, len(params["classes"]), trainer
    )
    scores = inference.predict(architecture.with_scores(head), examples.images, held_out["row"].to_numpy())
    return architecture.with_scores(features.graft(backbone, head)), scores, facts
