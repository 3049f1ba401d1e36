"""Rotation: by which of four angles was an image rotated? (Gidaris et al. 2018, arXiv:1803.07728)

Labels are never read. The log's `accuracy` shows whether it learns: chance is 0.25. Where images have no natural
orientation (histology, most skin lesions) it can hardly rise, and this objective teaches nothing.
"""

from typing import Any

import keras
from keras import ops

from indomain.networks import architecture
from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.step import PretrainingStep


class Rotation(TrainingModel):
    """Learns to tell the four rotations of an image apart.

    Args:
        network: images 0–255 to four logits.
        augmentation: a key of `indomain.training.augmentation.AUGMENTATIONS`.
        copies: how many rotations of each image are in a batch, 1 … 4; with fewer than four, the first is drawn at random.
    """

    def __init__(self, network: keras.Model, augmentation: str, copies: int) -> None:
        super().__init__(network, augmentation)
        self.copies = copies
        self.seed_generator = keras.random.SeedGenerator(3)
        self.accuracy = keras.metrics.Mean(name="accuracy")

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The logits (n · copies, 4) of the rotated images, and their rotations (n · copies,), 0 … 3.

        Args:
            images: (n, rows, columns, channels), 0–255.
            training: whether they are augmented.
        """
        turned = turns(self.augmented(images, training))  # (n, 4, rows, columns, channels)
        count = ops.shape(images)[0]
        first = keras.random.randint((count, 1), 0, 4, seed=self.seed_generator)
        labels = (first + ops.arange(self.copies, dtype=first.dtype)) % 4  # (n, copies)
        indices = ops.expand_dims(ops.arange(count) * 4, 1) + ops.cast(labels, "int32")
        views = ops.take(ops.reshape(turned, (-1, *images.shape[1:])), ops.reshape(indices, (-1,)), axis=0)
        return {"logits": self.network(views, training=training), "turns": ops.reshape(labels, (-1,))}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The mean cross-entropy; of Keras' arguments only `y_pred`, the output of `call`, is used."""
        logits, labels = y_pred["logits"], y_pred["turns"]
        right = ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
        self.accuracy.update_state(ops.cast(right, "float32"))
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def turns(images: Any) -> Any:
    """Images rotated by 0°, 90°, 180° and 270°.

    Of images that are not square, the central square is rotated and stretched to their shape, for all four angles alike.

    Args:
        images: (n, rows, columns, channels).

    Returns:
        (n, 4, rows, columns, channels).
    """
    rows, columns = images.shape[1:3]
    side = min(rows, columns)
    top, left = (rows - side) // 2, (columns - side) // 2
    square = images[:, top : top + side, left : left + side]
    quarter = ops.flip(ops.transpose(square, (0, 2, 1, 3)), axis=1)
    rotated = [square, quarter, ops.flip(square, axis=(1, 2)), ops.flip(quarter, axis=(1, 2))]
    if rows != columns:
        rotated = [ops.image.resize(square, (rows, columns)) for square in rotated]
    return ops.stack(rotated, axis=1)


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the images of its source; returns facts for the run's record."""
    backbone, options = step.backbone, step.options

    def make() -> TrainingModel:
        network = architecture.with_head(backbone, 4, dropout=0)
        return compiled(Rotation(network, options.augment, options.copies), options)

    return unlabelled.learn(step, "rotation", make)
