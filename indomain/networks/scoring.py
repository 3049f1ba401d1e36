"""From images to scores: a network, or a classifier on the features of several networks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain.networks import architecture, features, inference, weights

# Images float32 (n, rows, columns, channels), 0–255, to scores (n, classes), each row of sum 1.
Scorer = Callable[[np.ndarray], np.ndarray]


def extractors(networks: list[Path], layers: list[str], pooling: list[str]) -> list[keras.Model]:
    """Networks from files, each from its images to its features.

    Args:
        networks: the .keras files.
        layers: for each the layer that its features come from; "": the input of its head.
        pooling: the statistics that reduce feature maps to features.
    """
    found = []
    for path, layer in zip(networks, layers):
        # Copied, because loading two members of the same architecture would yield the same cached object.
        model = keras.models.clone_model(weights.load(path))
        model.load_weights(path)
        found.append(features.extractor(model, layer, pooling)[0])
    return found


def classified(estimator: Any, values: np.ndarray, classes: int) -> np.ndarray:
    """The scores (n, classes) of a classifier, which need not know every class: its training images may have lacked some.

    Args:
        estimator: a fitted scikit-learn classifier.
        values: (n, features).
        classes: number of classes.
    """
    scores = np.zeros((len(values), classes), np.float32)
    scores[:, estimator.classes_.astype(int)] = estimator.predict_proba(values)
    return scores


def of_network(model: keras.Model) -> Scorer:
    """The scorer of a network.

    Args:
        model: images 0–255 to `scores`.
    """
    return lambda images: inference.predict_arrays(model, images)


def of_fusion(estimator: Any, networks: list[keras.Model], classes: int) -> Scorer:
    """The scorer of a classifier on the features of its networks.

    Args:
        estimator: a fitted scikit-learn classifier.
        networks: as `extractors` returns them, in the order of the classifier's features.
        classes: number of classes.
    """

    def score(images: np.ndarray) -> np.ndarray:
        values = np.concatenate([inference.predict_arrays(model, images) for model in networks], axis=1)
        return classified(estimator, values, classes)

    return score


def with_features(model: keras.Model) -> keras.Model:
    """A network from its images to its scores and to the features before its head, in one pass.

    Args:
        model: images 0–255 to `scores`.
    """
    return keras.Model(model.input, [model.output, model.get_layer(architecture.last_features(model)).output])
