"""Denoising autoencoder: give the picture back without the noise that was added (Vincent et al. 2010, JMLR 11:3371).

Labels are never read. The log's `explained_variance` tells whether it learns: the share of the pictures' variance given back.
"""

from typing import Any

import keras
from keras import ops

from indomain.training.model import TrainingModel, compiled
from pretrain import unlabelled
from pretrain.decoder import Reconstruction, with_decoder
from pretrain.step import PretrainingStep


class Noise(keras.layers.Layer):
    """Noise on the picture; every pixel counts. See `Reconstruction`."""

    def __init__(self, noise: float) -> None:
        super().__init__(dtype="float32")
        self.noise = keras.layers.GaussianNoise(noise, seed=3)

    def call(self, images: Any, training: bool | None = None) -> tuple[Any, Any]:
        noisy = ops.clip(self.noise(images / 255.0, training=training), 0.0, 1.0) * 255.0
        return noisy, ops.ones_like(images[..., :1])


def pretrain(step: PretrainingStep) -> dict[str, Any]:
    """Trains the step's backbone in place on the images of its source; returns facts for the run's record."""
    options = step.options

    def make() -> TrainingModel:
        network = with_decoder(step.backbone, options.width)
        return compiled(Reconstruction(network, options.augment, Noise(options.noise), ops.square), options)

    return unlabelled.learn(step, "autoencoder", make)
