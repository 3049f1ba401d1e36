"""A second head on the same features, which goes on with the classes of the source while a network learns the target's.

Co-Tuning (You et al. 2020, NeurIPS): the head with which the network has learnt its source is kept, and each image of the target
teaches it what the source's classes have to do with the image's own class.
"""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

NAME = "source_logits"


@dataclass(frozen=True)
class SecondHead:
    """The head, and what it is taught.

    Attributes:
        kernel: (d, source classes), what it begins with.
        bias: (source classes,).
        relation: (target classes, source classes), the probability of each class of the source given one of the target.
        weight: of its loss.
    """

    kernel: np.ndarray
    bias: np.ndarray
    relation: np.ndarray
    weight: float

    def targets(self, y: np.ndarray) -> np.ndarray:
        """What both heads learn of images, float32 (n, target classes + source classes).

        Args:
            y: int (n,), classes of the target.
        """
        own = np.eye(len(self.relation), dtype=np.float32)[y]
        return np.hstack([own, self.relation[y]]).astype(np.float32)


def with_second(network: keras.Model, classes: int) -> keras.Model:
    """A classifier and a second head beside its own, as one graph; output (n, own classes + those of the source).

    Args:
        network: a classifier that ends in `logits`.
        classes: number of classes of the source.
    """
    logits = network.get_layer("logits")
    second = keras.layers.Dense(classes, name=NAME, dtype="float32")(logits.input)
    outputs = keras.layers.Concatenate(name="both_logits", dtype="float32")([logits.output, second])
    return keras.Model(network.input, outputs, name=network.name)


class Loss(keras.losses.Loss):
    """Cross-entropy of the network's own head plus the weighted one of the second.

    Args:
        classes: number of classes of the target.
        weight: of the second.
    """

    def __init__(self, classes: int, weight: float) -> None:
        super().__init__(name="two_heads")
        self.classes, self.weight = classes, weight

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image.

        Args:
            y_true: as `SecondHead.targets` gives it.
            y_pred: as `with_second` gives it.
        """
        own, second = (
            ops.categorical_crossentropy(y_true[:, part], y_pred[:, part], from_logits=True)
            for part in (slice(None, self.classes), slice(self.classes, None))
        )
        return own + self.weight * second


def accuracy(classes: int) -> Any:
    """The accuracy of the network's own head, as a metric of both outputs.

    Args:
        classes: number of classes of the target.
    """

    def of_logits(y_true: Any, y_pred: Any) -> Any:
        right = ops.argmax(y_true[:, :classes], axis=-1) == ops.argmax(y_pred[:, :classes], axis=-1)
        return ops.cast(right, "float32")

    return keras.metrics.MeanMetricWrapper(of_logits, name="accuracy")
