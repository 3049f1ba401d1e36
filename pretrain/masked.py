"""Masked patches: give back what was hidden (Xie et al. 2022, SimMIM, arXiv:2111.09886: absolute error on hidden pixels).

SimMIM hides patches from a transformer; a convolutional backbone sees them as grey squares of the picture's mean colour
(as Pathak et al. 2016, arXiv:1604.07379). Labels are never read. The log's `explained` tells whether it learns: the share
of the hidden pixels' variance given back.
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
from pretrain.objectives import MaskedOptions


class Masked(Reconstruction):
    """The trainee: each patch is hidden with probability `masked`, absolute error on the hidden pixels."""

    def __init__(self, network: keras.Model, augmentation: str, masked: float, patch: int) -> None:
        super().__init__(network, augmentation)
        self.masked, self.patch = masked, patch
        self.seed_generator = keras.random.SeedGenerator(3)

    def spoilt(self, images: Any, training: bool | None) -> tuple[Any, Any]:
        rows, columns = images.shape[1:3]
        grid = (ops.shape(images)[0], -(-rows // self.patch), -(-columns // self.patch), 1)
        hidden = ops.cast(keras.random.uniform(grid, seed=self.seed_generator) < self.masked, images.dtype)
        hidden = ops.repeat(ops.repeat(hidden, self.patch, axis=1), self.patch, axis=2)[:, :rows, :columns]
        mean = ops.mean(images, axis=(1, 2), keepdims=True)
        return images * (1 - hidden) + mean * hidden, hidden

    def loss_of(self, error: Any) -> Any:
        return ops.absolute(error)


def pretrain(
    backbone: keras.Model,
    listing: Listing,
    options: MaskedOptions,
    seed: int,
    folder: Path,
    note: Note,
    measure: Callable[[], dict[str, float]] | None = None,
) -> dict[str, Any]:
    """Trains `backbone` in place on the pictures of the listing; returns facts for the run's record."""
    patch = max(2, round(options.patch * min(backbone.input_shape[1:3])))

    def make() -> training.Trainee:
        network = with_decoder(backbone, options.width)
        return training.compiled(Masked(network, options.augment, options.masked, patch), options)

    trainee = networks.cached_for(backbone, unlabelled.key("masked", options), make)
    return unlabelled.learn(trainee, backbone, listing, options, seed, folder, note, measure)
