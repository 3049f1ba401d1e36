"""Denoising autoencoder: reconstruct an image from a noisy copy (Vincent et al. 2010, JMLR 11:3371).

Labels are never read. The log's `explained_variance` shows whether it learns: the share of the images' variance that is
reconstructed.
"""

from typing import Any

import keras
from keras import ops

from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.decoder import Reconstruction, with_decoder
from pretrain.step import PretrainingStep


class Noise(keras.layers.Layer):
    """Adds Gaussian noise to images; the loss covers every pixel. A `corrupt` layer of `Reconstruction`.

    Args:
        noise: standard deviation, as a share of the range of values, 0 … 1.
    """

    def __init__(self, noise: float) -> None:
        super().__init__(dtype="float32")
        self.noise = keras.layers.GaussianNoise(noise, seed=3)

    def call(self, images: Any, training: bool | None = None) -> tuple[Any, Any]:
        """The noisy images, and which pixels count in the loss (all of them).

        Args:
            images: (n, rows, columns, channels), 0–255.
            training: whether noise is added.
        """
        noisy = ops.clip(self.noise(images / 255.0, training=training), 0.0, 1.0) * 255.0
        return noisy, ops.ones_like(images[..., :1])


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the images of its source; returns facts for the run's record."""
    options = step.options

    def make() -> TrainingModel:
        network = with_decoder(step.backbone, options.width)
        return compiled(Reconstruction(network, options.augment, Noise(options.noise), ops.square), options)

    return unlabelled.learn(step, "autoencoder", make)
