"""Off the shelf: the network stays as the chain left it, a logistic regression on its features is the classifier."""

from typing import Any

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from indomain.networks import architecture, inference
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer


def fit(
    backbone: keras.Model, examples: Examples, num_classes: int, trainer: Trainer
) -> tuple[keras.Model, dict[str, Any]]:
    """Fits on the training images; the regression becomes the weights of the layer `logits`.

    One whole network comes out, so that predictions, features and explanations treat it as any other.

    Args:
        backbone: as the chain left it.
        examples: of the target.
        num_classes: number of classes.
        trainer: its options have `class_weights` and `C`, the inverse strength of regularisation.

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    options = trainer.options
    rows, y = examples.part("train")
    trainer.progress(f"features of {len(rows)} images")
    features = inference.predict(backbone, examples.images, rows)
    scaler = StandardScaler().fit(features)
    weights = "balanced" if options.class_weights == "balanced" else None
    regression = LogisticRegression(C=options.C, class_weight=weights, max_iter=5000)
    regression.fit(scaler.transform(features), y)
    kernel, bias = regression.coef_.T, regression.intercept_
    if num_classes == 2:
        # Two classes have one row of coefficients; the softmax of (0, z) is the sigmoid of z.
        kernel = np.concatenate([np.zeros_like(kernel), kernel], axis=1)
        bias = np.concatenate([[0.0], bias])
    # The scaling becomes part of the weights.
    kernel = kernel / scaler.scale_[:, None]
    bias = bias - scaler.mean_ @ kernel
    network = architecture.with_head(backbone, num_classes, 0.0, ("off the shelf",))
    network.get_layer("logits").set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return network, {"images": len(rows)}
