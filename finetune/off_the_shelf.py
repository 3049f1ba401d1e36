"""Off the shelf: the network keeps the chain's weights, and a logistic regression on its features is the classifier."""

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
    """Fits a logistic regression on the training images' features and stores it as the weights of the layer `logits`.

    The result is one network, so that predictions, features and explanations treat it like any other.

    Args:
        backbone: images 0–255 to features (n, d), with the weights of the chain's last step; not changed.
        examples: images of the target, or their features.
        num_classes: number of classes.
        trainer: its options have `class_weights` and `C`, the inverse of the strength of the L2 penalty.

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    options = trainer.options
    rows, y = examples.part("train")
    trainer.progress(f"features of {len(rows)} images")
    # In double precision: in single, the solver gives up before it has converged.
    features = inference.predict(backbone, examples.images, rows).astype(np.float64)
    scaler = StandardScaler().fit(features)
    weights = "balanced" if options.class_weights == "balanced" else None
    regression = LogisticRegression(C=options.C, class_weight=weights, max_iter=5000, tol=1e-6)
    regression.fit(scaler.transform(features), y)
    # The regression's logits of features x with mean m and standard deviation s, scaled to (x - m) / s, are
    #     ((x - m) / s) · K + b = x · (K / s) + (b - m · (K / s))
    # so K / s and b - m · (K / s) are the kernel and bias of a linear layer on the features themselves. For two classes
    # scikit-learn fits a single logit z; softmax of (0, z) equals its sigmoid of z.
    kernel, bias = regression.coef_.T, regression.intercept_
    if num_classes == 2:
        kernel = np.concatenate([np.zeros_like(kernel), kernel], axis=1)
        bias = np.concatenate([[0.0], bias])
    kernel = kernel / scaler.scale_[:, None]
    bias = bias - scaler.mean_ @ kernel
    network = architecture.with_head(backbone, num_classes, 0.0, ("off the shelf",))
    network.get_layer("logits").set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return network, {"images": len(rows)}
