"""Off the shelf: the network stays as the chain left it, a logistic regression on its features is the classifier."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from indomain.networks import architecture, cache, inference
from indomain.progress import Note


def fit(
    backbone: keras.Model,
    table: pd.DataFrame,
    pictures: Callable,
    classes: int,
    options,
    seed: int,
    folder: Path,
    note: Note,
) -> tuple[keras.Model, dict[str, Any]]:
    """Fits on the training images; the regression becomes the weights of the layer `logits`.

    One whole network comes out, so that predictions, features and explanations treat it as any other.

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    train = table[table["split"] == "train"]
    note(f"features of {len(train)} images")
    features = inference.predict(backbone, pictures, train["row"].to_numpy())
    scaler = StandardScaler().fit(features)
    weights = "balanced" if options.class_weights == "balanced" else None
    regression = LogisticRegression(C=options.regularisation, class_weight=weights, max_iter=5000)
    regression.fit(scaler.transform(features), train["y"])
    kernel, bias = regression.coef_.T, regression.intercept_
    if classes == 2:
        # Two classes have one row of coefficients; the softmax of (0, z) is the sigmoid of z.
        kernel = np.concatenate([np.zeros_like(kernel), kernel], axis=1)
        bias = np.concatenate([[0.0], bias])
    kernel = kernel / scaler.scale_[:, None]
    bias = bias - scaler.mean_ @ kernel
    network = cache.cached_for(
        backbone, ("off the shelf", classes), lambda: architecture.with_head(backbone, classes, 0.0)
    )
    network.get_layer("logits").set_weights([kernel.astype(np.float32), bias.astype(np.float32)])
    return network, {"images": len(train)}
