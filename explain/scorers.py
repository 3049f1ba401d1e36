"""What is explained: a function from pictures to scores, be it a network or a classifier on several networks' features."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from indomain.artifacts import fitted_classifier
from indomain.artifacts.record import read_record
from indomain.networks import features, inference, weights
from indomain.runs.stages import STAGES

# float32 (N, rows, columns, channels), 0–255, to (N, classes), each row of sum 1.
Scorer = Callable[[np.ndarray], np.ndarray]


def of_network(model: keras.Model) -> Scorer:
    """The scores of a network."""
    return lambda pictures: inference.predict_arrays(model, pictures)


def of_fusion(classifier: Path, members: list[tuple[Path, Path]], pooling: list[str], classes: int) -> Scorer:
    """The scores of a kept classifier on the features of its networks, from the picture on.

    Args:
        classifier: the folder of its run, with `classifier.skops`.
        members: for each of its networks, in their order: the folder of the run that extracted its features, and the
            network's own.
        pooling: how maps became features.
        classes: their number.
    """
    estimator = fitted_classifier.read(classifier / "classifier.skops", STAGES)
    extractors = []
    for extracted, network in members:
        # Two members of one architecture would share one object, and its weights: each gets its own.
        model = keras.models.clone_model(weights.load(network / "model.keras"))
        model.load_weights(network / "model.keras")
        layer = read_record(extracted).facts.get("layer", "")
        extractors.append(features.extractor(model, layer, pooling)[0])

    def scores(pictures: np.ndarray) -> np.ndarray:
        fused = np.concatenate([inference.predict_arrays(one, pictures) for one in extractors], axis=1)
        found = np.zeros((len(pictures), classes), np.float32)
        found[:, estimator.classes_.astype(int)] = estimator.predict_proba(fused)
        return found

    return scores
