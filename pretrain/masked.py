"""Masked patches: reconstruct what was hidden (Xie et al. 2022, SimMIM, arXiv:2111.09886: absolute error on hidden pixels).

SimMIM hides patches from a transformer; a convolutional backbone sees them as squares of the image's mean colour (as in
Pathak et al. 2016, arXiv:1604.07379). Labels are never read. The log's `explained_variance` shows whether it learns: the
share of the hidden pixels' variance that is reconstructed.
"""

from typing import Any

import keras
from keras import ops

from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.decoder import Reconstruction, with_decoder
from pretrain.step import PretrainingStep


class Hidden(keras.layers.Layer):
    """Hides random patches; the loss covers the hidden pixels. A `corrupt` layer of `Reconstruction`.

    Args:
        masked: probability that a patch is hidden, between 0 and 1.
        patch: side of a patch in pixels.
    """

    def __init__(self, masked: float, patch: int) -> None:
        super().__init__(dtype="float32")
        self.masked, self.patch = masked, patch
        self.seed_generator = keras.random.SeedGenerator(3)

    def call(self, images: Any) -> tuple[Any, Any]:
        """The images with hidden patches, and a mask (n, rows, columns, 1) that is 1 on the hidden pixels.

        Args:
            images: (n, rows, columns, channels), 0–255.
        """
        rows, columns = images.shape[1:3]
        grid = (ops.shape(images)[0], -(-rows // self.patch), -(-columns // self.patch), 1)
        hidden = ops.cast(keras.random.uniform(grid, seed=self.seed_generator) < self.masked, images.dtype)
        hidden = ops.repeat(ops.repeat(hidden, self.patch, axis=1), self.patch, axis=2)[:, :rows, :columns]
        mean = ops.mean(images, axis=(1, 2), keepdims=True)
        return images * (1 - hidden) + mean * hidden, hidden


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the images of its source; returns facts for the run's record."""
    options = step.options
    patch = max(2, round(options.patch * min(step.backbone.input_shape[1:3])))

    def make() -> TrainingModel:
        network = with_decoder(step.backbone, options.width)
        hidden = Hidden(options.masked, patch)
        return compiled(Reconstruction(network, options.augment, hidden, ops.absolute), options)

    return unlabelled.learn(step, "masked", make)
