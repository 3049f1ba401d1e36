"""Denoising autoencoder: give the picture back without the noise that was added (Vincent et al. 2010, JMLR 11:3371).

Labels are never read. The log's `explained` tells whether it learns: the share of the pictures' variance given back.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from keras import ops

from indomain import networks, training
from indomain.listings import Listing
from indomain.progress import Note
from pretrain import unlabelled
from pretrain.decoder import Reconstruction, with_decoder
from pretrain.objectives import AutoencoderOptions


class Autoencoder(Reconstruction):
    """The trainee: noise on the picture, squared error on every pixel."""

    def __init__(self, network: keras.Model, augmentation: str, noise: float) -> None:
        super().__init__(network, augmentation)
        self.noise = keras.layers.GaussianNoise(noise, seed=3)

    def spoilt(self, images: Any, training: bool | None) -> tuple[Any, Any]:
        noisy = ops.clip(self.noise(images / 255.0, training=training), 0.0, 1.0) * 255.0
        return noisy, ops.ones_like(images[..., :1])

    def loss_of(self, error: Any) -> Any:
        return ops.square(error)


def pretrain(
    backbone: keras.Model,
    listing: Listing,
    options: AutoencoderOptions,
    seed: int,
    folder: Path,
    note: Note,
    measure: Callable[[], dict[str, float]] | None = None,
) -> dict[str, Any]:
    """Trains `backbone` in place on the pictures of the listing; returns facts for the run's record."""

    def make() -> training.Trainee:
        network = with_decoder(backbone, options.width)
        return training.compiled(Autoencoder(network, options.augment, options.noise), options)

    trainee = networks.cached_for(backbone, unlabelled.key("autoencoder", options), make)
    return unlabelled.learn(trainee, backbone, listing, options, seed, folder, note, measure)
