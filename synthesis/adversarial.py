"""Two players that learn from each other in one step, by one loss and one optimizer, so that every backend can run it.

The loss is the sum of both players'. The discriminator's part contains images that were made, but not how: the gradient stops at
them. The generator's part goes through the discriminator, whose weights stand as constants there. So neither learns from the loss
of the other. Adam keeps its moments by weight: one optimizer is as good as two of the same settings.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from indomain.training.model import TrainingModel, compiled
from synthesis import players
from synthesis.options import GANOptions
from synthesis.registry import Generator

SHOWN_AUGMENTED = 0.8  # share of the images that are augmented before the discriminator: all of them, and it would leak


class Players(keras.Model):
    """All networks as one, for the trainer, which saves, resumes and ends with its weights.

    A functional model of several inputs has its weights in an order that another process need not repeat.

    Args:
        *networks: in the order of their weights.
    """

    def __init__(self, *networks: keras.Model) -> None:
        super().__init__(name="players")
        self.networks = list(networks)
        self.built = True


class Adversarial(TrainingModel):
    """A generator and a discriminator in training; a batch holds real images, and their classes where these are told.

    Args:
        kind: the generator's entry in the registry.
        options: its options.
        shape: (rows, columns, channels) of the images.
        classes: number of classes that are told; 0: none.
    """

    def __init__(self, kind: Generator, options: GANOptions, shape: tuple[int, int, int], classes: int = 0) -> None:
        self._shape = shape
        g = players.generator(shape, options.noise, options.width, classes)
        average = players.generator(shape, options.noise, options.width, classes, "e")
        average.trainable = False
        d = players.discriminator(shape, options.width, kind.spectral, classes if kind.doubts_classes else 0)
        super().__init__(Players(d, g, average), options.augment)
        self.kind, self.options, self.classes = kind, options, classes
        self.g, self.d, self.average = g, d, average
        self.noises = keras.random.SeedGenerator(11)
        self.right = keras.metrics.Mean(name="discriminator_accuracy")

    @property
    def fed_shape(self) -> tuple[int, ...]:
        """(rows, columns, channels) of what a batch holds."""
        return self._shape

    def call(self, images: Any, training: bool | None = None) -> dict[str, Any]:
        """What the discriminator says of real images, of made ones, and of made ones while it does not learn.

        Args:
            images: (n, rows, columns, channels), 0–255, real.
            training: whether they are augmented.
        """
        count = ops.shape(images)[0]
        given: list[Any] = [keras.random.normal((count, self.options.noise), seed=self.noises)]
        if self.classes:
            given.append(keras.random.randint((count,), 0, self.classes, seed=self.noises))
        made = self.g(given if self.classes else given[0], training=True)
        real = ops.cast(images, "float32") if self.kind.differentiable else self.augmented(images, training)
        seen, seen_made = self._shown(real / 127.5 - 1.0, training), self._shown(made, training)
        frozen = [ops.stop_gradient(ops.convert_to_tensor(variable)) for variable in self.d.trainable_variables]
        state = [ops.convert_to_tensor(variable) for variable in self.d.non_trainable_variables]
        # Real and made images apart, so that batch normalisation does not mix them.
        said = {
            "real": self.d(seen, training=True),
            "made": self.d(ops.stop_gradient(seen_made), training=True),
            "fooled": self.d.stateless_call(frozen, state, seen_made, training=True)[0],
        }
        if training:
            self._average()
        return said | ({"class": given[1]} if self.classes else {})

    def _shown(self, images: Any, training: bool | None) -> Any:
        """What the discriminator sees of images of −1 … 1."""
        if not self.kind.differentiable:
            return images
        changed = self.augmented((images + 1.0) * 127.5, training) / 127.5 - 1.0
        chosen = keras.random.uniform((ops.shape(images)[0], 1, 1, 1), seed=self.noises) < SHOWN_AUGMENTED
        return ops.where(chosen, changed, images)

    def _average(self) -> None:
        """Moves the average of the generator's weights one step on."""
        keep = self.options.average if self.kind.averaged else 0.0
        for mean, value in zip(self.average.variables, self.g.variables):
            if "seed" not in mean.name:
                mean.assign(keep * mean + (1.0 - keep) * ops.cast(value, mean.dtype))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The sum of both players' losses; `y` are the classes of the real images, where they are told."""
        of_discriminator, of_generator = self.losses_of(y_pred, y)
        return of_discriminator + of_generator

    def losses_of(self, said: dict[str, Any], y: Any = None) -> tuple[Any, Any]:
        """The discriminator's loss and the generator's, the one that does not saturate (Goodfellow et al. 2014, section 3).

        Args:
            said: as `call` returns it.
            y: int (n,), classes of the real images.
        """
        real, made, fooled = (self._parts(said[name]) for name in ("real", "made", "fooled"))
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        yes, no = ops.ones_like(real[0]), ops.zeros_like(real[0])
        of_discriminator = loss(yes, real[0]) + loss(no, made[0])
        of_generator = loss(yes, fooled[0])
        if self.kind.doubts_classes:
            told = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            if y is not None:
                of_discriminator = of_discriminator + told(y, real[1])
            of_discriminator = of_discriminator + told(said["class"], made[1])
            of_generator = of_generator + told(said["class"], fooled[1])
        hits = ops.concatenate([real[0] > 0, made[0] < 0], axis=0)
        self.right.update_state(ops.cast(hits, "float32"))
        return of_discriminator, of_generator

    def _parts(self, said: Any) -> list[Any]:
        return list(said) if self.kind.doubts_classes else [said]

    def make(self, count: int, seed: int, number: int = 0) -> np.ndarray:
        """Images, uint8 (count, rows, columns, channels).

        Args:
            count: how many.
            seed: of the noise.
            number: their class, where classes are told.
        """
        maker, rng, made = (self.average if self.kind.averaged else self.g), np.random.default_rng([seed, number]), []
        for start in range(0, count, 64):
            size = min(64, count - start)
            noise = rng.normal(size=(size, self.options.noise)).astype(np.float32)
            given = [noise, np.full(size, number, np.int32)] if self.classes else noise
            made.append(np.asarray(ops.convert_to_numpy(maker(given, training=False))))
        images = np.concatenate(made) if made else np.zeros((0, *self._shape), np.float32)
        return np.clip(np.round((images + 1) * 127.5), 0, 255).astype(np.uint8)


def adversarial(kind: Generator, options: GANOptions, shape: tuple[int, int, int], classes: int = 0) -> Adversarial:
    """The players, built and compiled once.

    Args:
        kind: the generator's entry in the registry.
        options: its options.
        shape: (rows, columns, channels) of the images.
        classes: number of classes that are told; 0: none.
    """
    model = Adversarial(kind, options, shape, classes)
    # By the name of the layer that holds a weight, the innermost where one stands in another.
    rates = {variable.path.split("/")[-2]: kind.rate for variable in model.d.trainable_variables}
    return compiled(model, options, rates)  # type: ignore[return-value]


def initialise(model: Adversarial, seed: int) -> None:
    """Draws the weights of both players: kernels from N(0, 0.02), as the papers do; the average begins with the generator's.

    Args:
        model: the players.
        seed: the same seed gives the same weights.
    """
    rng = np.random.default_rng(seed)
    constants = {"bias": 0.0, "beta": 0.0, "gamma": 1.0, "moving_mean": 0.0, "moving_variance": 1.0}
    for variable in [*model.g.weights, *model.d.weights]:
        if variable.name in constants:
            variable.assign(np.full(variable.shape, constants[variable.name], np.float32))
        else:
            # Embeddings multiply the noise: they stay around 1. The vectors of spectral normalisation only need a direction.
            mean, deviation = {"embeddings": (1.0, 0.1), "vector_u": (0.0, 1.0)}.get(variable.name, (0.0, 0.02))
            variable.assign(rng.normal(mean, deviation, variable.shape).astype(np.float32))
    for mean_of, value in zip(model.average.weights, model.g.weights):
        mean_of.assign(value)
