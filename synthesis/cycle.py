"""CycleGAN: images of one kind are translated to another and back, without pairs (Zhu et al. 2017, arXiv:1703.10593).

Two translators and two discriminators learn in one step, by one loss and one optimizer, as in `synthesis.adversarial`: the
discriminators' part of the loss holds translated images as constants, and the translators' part holds the discriminators' weights
so. The authors' store of earlier images, from which their discriminators learn, is left out: it would be a state within the step.

A batch holds pairs, one image of each kind above the other; which two are together means nothing.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from indomain.training import augmentation
from indomain.training.model import TrainingModel, compiled
from synthesis.adversarial import Players
from synthesis.options import CycleOptions
from synthesis.translators import patch_discriminator, translator

BATCH = 64  # images that are translated at once


class Cycle(TrainingModel):
    """Two translators, `there` from the first kind to the second and `back`, and a discriminator of each kind.

    Args:
        options: [synthesis.cyclegan].
        shape: (rows, columns, channels) of the images.
    """

    def __init__(self, options: CycleOptions, shape: tuple[int, int, int]) -> None:
        self._shape = shape
        there, back = (
            translator(shape, options.width, options.blocks, options.masked, name) for name in ("there", "back")
        )
        first, second = (patch_discriminator(shape, options.width, name) for name in ("first", "second"))
        super().__init__(Players(first, second, there, back), options.augment)
        self.options = options
        self.first, self.second, self.there, self.back = first, second, there, back
        self.right = keras.metrics.Mean(name="discriminator_accuracy")
        self.changed = keras.metrics.Mean(name="mask")

    @property
    def fed_shape(self) -> tuple[int, ...]:
        """(rows, columns, channels) of what a batch holds: two images, one above the other."""
        rows, columns, channels = self._shape
        return 2 * rows, columns, channels

    def call(self, pairs: Any, training: bool | None = None) -> dict[str, Any]:
        """All images that the losses need, and what the discriminators say of them.

        Args:
            pairs: (n, 2 × rows, columns, channels), 0–255.
            training: whether they are augmented.
        """
        rows = self._shape[0]
        a, b = (
            self.augmented(part, training) / 127.5 - 1.0 for part in (pairs[:, :rows], pairs[:, rows:])
        )  # each with an augmentation of its own
        (made_b, mask_a), (made_a, mask_b) = self.there(a), self.back(b)
        said = {
            "a": a,
            "b": b,
            "a_again": self.back(made_b)[0],
            "b_again": self.there(made_a)[0],
            "mask": ops.mean(mask_a) / 2 + ops.mean(mask_b) / 2,
            "real_a": self.first(a),
            "real_b": self.second(b),
            "made_a": self.first(ops.stop_gradient(made_a)),
            "made_b": self.second(ops.stop_gradient(made_b)),
            "fooled_a": _constant(self.first, made_a),
            "fooled_b": _constant(self.second, made_b),
        }
        if self.options.identity:
            said |= {"a_kept": self.back(a)[0], "b_kept": self.there(b)[0]}
        return said

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of the losses of discriminators and translators."""
        of_discriminators, of_translators = self.losses_of(y_pred)
        return of_discriminators + of_translators

    def losses_of(self, said: dict[str, Any]) -> tuple[Any, Any]:
        """The discriminators' loss and the translators': least squares, and the distance after there and back.

        Args:
            said: as `call` returns it.
        """
        of_discriminators = sum(
            (_square(said[f"real_{kind}"], 1.0) + _square(said[f"made_{kind}"], 0.0)) / 2 for kind in "ab"
        )
        of_translators = sum(_square(said[f"fooled_{kind}"], 1.0) for kind in "ab")
        cycle = sum(_apart(said[f"{kind}_again"], said[kind]) for kind in "ab")
        of_translators = of_translators + self.options.cycle * cycle
        if self.options.identity:
            kept = sum(_apart(said[f"{kind}_kept"], said[kind]) for kind in "ab")
            of_translators = of_translators + self.options.identity * self.options.cycle * kept
        for kind in "ab":
            self.right.update_state(ops.cast(said[f"real_{kind}"] > 0.5, "float32"))
            self.right.update_state(ops.cast(said[f"made_{kind}"] < 0.5, "float32"))
        self.changed.update_state(said["mask"])
        return of_discriminators, of_translators

    def translated(self, images: np.ndarray, to_second: bool) -> np.ndarray:
        """Images as they would be of the other kind, uint8 (n, rows, columns, channels).

        Args:
            images: uint8 (n, rows, columns, channels), 0–255, of the one kind.
            to_second: whether they are of the first.
        """
        maker, made = self.there if to_second else self.back, []
        for start in range(0, len(images), BATCH):
            out, _ = maker(images[start : start + BATCH].astype(np.float32) / 127.5 - 1.0, training=False)
            made.append(ops.convert_to_numpy(out))
        found = np.concatenate(made) if made else np.zeros((0, *self._shape), np.float32)
        return np.clip(np.round((found + 1) * 127.5), 0, 255).astype(np.uint8)

    def make(self, images: np.ndarray, to_second: bool, count: int, seed: int) -> tuple[np.ndarray, float]:
        """As many translated images as are asked for.

        Each image is translated once as it is; where more are asked for, again after an augmentation of it. Of one image there
        is only one translation.

        Args:
            images: uint8 (n, rows, columns, channels), of the other kind.
            to_second: whether they are of the first.
            count: number of images.
            seed: of their order and of the augmentations.

        Returns:
            The images, and by how many grey values they differ from what they were translated from, on average.
        """
        chosen = np.resize(np.random.default_rng(seed).permutation(len(images)), count)
        sources = images[chosen]
        again = np.arange(count) >= len(images)
        if again.any():
            name = self.options.augment if self.options.augment != "none" else "basic"
            changed = np.asarray(augmentation.apply(augmentation.layers_of(name, seed), sources[again], training=True))
            sources[again] = np.clip(np.round(changed), 0, 255).astype(np.uint8)
        made = self.translated(sources, to_second)
        return made, float(np.abs(made.astype(int) - sources).mean()) if count else 0.0


def cycle(options: CycleOptions, shape: tuple[int, int, int]) -> Cycle:
    """The players, built and compiled once.

    Args:
        options: [synthesis.cyclegan].
        shape: (rows, columns, channels) of the images.
    """
    return compiled(Cycle(options, shape), options)  # type: ignore[return-value]


def initialise(model: Cycle, seed: int) -> None:
    """Draws the weights: kernels from N(0, 0.02), as the authors do.

    Args:
        model: the players.
        seed: the same seed gives the same weights.
    """
    rng = np.random.default_rng(seed)
    constants = {"bias": 0.0, "beta": 0.0, "gamma": 1.0}
    for variable in model.network.weights:
        if variable.name in constants:
            variable.assign(np.full(variable.shape, constants[variable.name], np.float32))
        else:
            variable.assign(rng.normal(0.0, 0.02, variable.shape).astype(np.float32))


def _constant(discriminator: keras.Model, images: Any) -> Any:
    """What a discriminator says, with its weights as constants."""
    weights = [ops.stop_gradient(ops.convert_to_tensor(variable)) for variable in discriminator.trainable_variables]
    state = [ops.convert_to_tensor(variable) for variable in discriminator.non_trainable_variables]
    return discriminator.stateless_call(weights, state, images)[0]


def _square(said: Any, wanted: float) -> Any:
    return ops.mean(ops.square(said - wanted))


def _apart(one: Any, other: Any) -> Any:
    return ops.mean(ops.abs(one - other))
