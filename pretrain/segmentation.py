"""Segmentation as a pretext: tell, pixel by pixel, what belongs to the object (after Wong et al. 2018,
arXiv:1808.05205).

Where the source has masks, they are the truth; elsewhere what is brighter than Otsu's threshold (1979, IEEE TSMC 9:62) of the
image, so that nothing has to be drawn by hand. Which of the two sides is the object does not matter for what is learnt. The
paper's network is a modified U-Net whose depth and filters are not known: here the backbone is followed by the decoder of the
other objectives, without skips, so that what is learnt stays in the backbone. Labels are never read. The log's `dice` shows
whether it learns.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.decoder import with_decoder
from pretrain.step import PretrainingStep


class Segmentation(TrainingModel):
    """Learns which pixels belong to the object. A batch is images with their mask as one more channel.

    Args:
        network: a backbone with a decoder of one channel, the logit of the object.
        augmentation: a key of `indomain.training.registry.AUGMENTATIONS` that moves pixels and changes no colour.
    """

    def __init__(self, network: keras.Model, augmentation: str) -> None:
        super().__init__(network, augmentation)
        self.dice = Dice(name="dice")

    @property
    def fed_shape(self) -> tuple[int, ...]:
        """(rows, columns, channels) of what a batch holds: those of the images, and the mask."""
        rows, columns, channels = self.network.input_shape[1:]
        return rows, columns, channels + 1

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The logits and the masks, 0 or 1, both (n, rows, columns, 1).

        Args:
            images: (n, rows, columns, channels + 1), 0–255.
            training: whether they are augmented, the mask like the image.
        """
        moved = self.augmented(images, training)
        return {
            "logits": self.network(moved[..., :-1], training=training),
            "mask": ops.cast(moved[..., -1:] > 127.5, "float32"),
        }

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The mean cross-entropy over the pixels; of Keras' arguments only `y_pred`, the output of `call`, is used."""
        logits, mask = y_pred["logits"], y_pred["mask"]
        self.dice.add(ops.cast(logits > 0, "float32"), mask)
        return ops.mean(ops.binary_crossentropy(mask, logits, from_logits=True))


class Dice(keras.metrics.Metric):
    """2 |A ∩ B| / (|A| + |B|) of predicted and true pixels, over an epoch.

    Args:
        **kwargs: for keras.metrics.Metric.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shared = self.add_weight(name="shared", initializer="zeros")
        self.sizes = self.add_weight(name="sizes", initializer="zeros")

    def add(self, predicted: Any, mask: Any) -> None:
        """Adds a batch.

        Args:
            predicted: 1 where the object is predicted, else 0.
            mask: 1 where it is, else 0, of the same shape.
        """
        self.shared.assign_add(ops.sum(predicted * mask))
        self.sizes.assign_add(ops.sum(predicted) + ops.sum(mask))

    def result(self) -> Any:
        """The coefficient so far, 0 … 1."""
        return 2.0 * self.shared / ops.maximum(self.sizes, 1.0)


def otsu(images: np.ndarray) -> np.ndarray:
    """What is brighter than Otsu's threshold of each image: uint8 (n, rows, columns, 1), 255 or 0; 0 if all is equal.

    Args:
        images: uint8 (n, rows, columns, channels), 0–255.
    """
    from skimage.filters import threshold_otsu

    grey = images.mean(axis=-1)
    thresholds = [threshold_otsu(image) if np.ptp(image) else np.inf for image in grey]
    return np.where(grey > np.array(thresholds)[:, None, None], 255, 0).astype(np.uint8)[..., None]


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the images of its source; returns facts for the run's record."""
    options, images, masks = step.options, step.images(), step.split.masks()

    def with_masks(rows: np.ndarray) -> np.ndarray:
        seen = images(rows)
        mask = otsu(seen) if masks is None else np.where(masks[rows] > 0, 255, 0).astype(np.uint8)[..., None]
        return np.concatenate([seen, mask], axis=-1)

    def make() -> TrainingModel:
        network = with_decoder(step.backbone, options.width, channels=1)
        return compiled(Segmentation(network, options.augment), options)

    facts = unlabelled.learn(step, "segmentation", make, with_masks)
    return {**facts, "masks": "Otsu's threshold" if masks is None else "of the set"}
