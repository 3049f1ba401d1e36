"""Scorers: functions from images to scores, of a network or of a classifier on the features of several networks."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from indomain.artifacts import fitted_classifier
from indomain.artifacts.record import read_record
from indomain.networks import features, inference, weights
from indomain.runs.stages import STAGES

# Images float32 (n, rows, columns, channels), 0–255, to scores (n, classes), each row of sum 1.
Scorer = Callable[[np.ndarray], np.ndarray]


def of_network(model: keras.Model) -> Scorer:
    """The scorer of a network.

    Args:
        model: images 0–255 to `scores`.
    """
    return lambda images: inference.predict_arrays(model, images)


def of_fusion(classifier: Path, members: list[tuple[Path, Path]], pooling: list[str], classes: int) -> Scorer:
    """The scorer of a saved classifier on the features of its networks.

    Args:
        classifier: folder of the run that saved it, with `classifier.skops`.
        members: for each of its networks, in order, the folder of the run that extracted its features and the folder of the
            run that fitted it.
        pooling: the statistics that reduced feature maps to features.
        classes: number of classes.
    """
    estimator = fitted_classifier.read(classifier / "classifier.skops", STAGES)
    extractors = []
    for extracted, network in members:
        # Copied, because loading two members of the same architecture would yield the same cached object.
        model = keras.models.clone_model(weights.load(network / "model.keras"))
        model.load_weights(network / "model.keras")
        layer = read_record(extracted).facts.get("layer", "")
        extractors.append(features.extractor(model, layer, pooling)[0])

    def score(images: np.ndarray) -> np.ndarray:
        features_of_all = np.concatenate([inference.predict_arrays(model, images) for model in extractors], axis=1)
        # The classifier need not know every class: its training images may have lacked some.
        scores = np.zeros((len(images), classes), np.float32)
        scores[:, estimator.classes_.astype(int)] = estimator.predict_proba(features_of_all)
        return scores

    return score
