"""The training model: a network that augments its batch and knows its loss, compiled once and reset for every run."""

from typing import Any

import keras
import numpy as np

from indomain.networks import weights
from indomain.training.augmentation import apply, layers_of
from indomain.training.options import LearningOptions


class TrainingModel(keras.Model):
    """A network that learns: augments, calls the network, and leaves the loss to `compile` or to a subclass."""

    def __init__(self, network: keras.Model, augmentation: str) -> None:
        """
        Args:
            network: images 0–255 to whatever the loss takes.
            augmentation: a key of `indomain.training.augmentation.AUGMENTATIONS`.
        """
        super().__init__(name=f"training_{network.name}")
        self.network = network
        self.augmentations = layers_of(augmentation)

    def augmented(self, images: Any, training: bool | None) -> Any:
        return apply(self.augmentations, images, training)

    def call(self, images: Any, training: bool | None = None) -> Any:
        return self.network(self.augmented(images, training), training=training)


def compiled(
    model: TrainingModel, options: LearningOptions, rates: dict[str, float] | None = None, **losses: Any
) -> TrainingModel:
    """`model` compiled and built; keeps a copy of the initial optimizer state for `reset`.

    Args:
        model: the training model.
        options: optimizer, learning rate, momentum.
        rates: layer name -> factor on the learning rate of its weights.
        losses: `loss` and `metrics` for keras.Model.compile.
    """
    base = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[options.optimizer]
    settings = {"momentum": options.momentum} if options.optimizer == "sgd" else {}
    optimizer = _with_rates(base)(learning_rate=options.learning_rate, **settings)
    optimizer.rates = rates or {}
    # XLA on the CPU is two to six times slower to train here, and longer to compile.
    model.compile(optimizer=optimizer, jit_compile=keras.config.backend() == "jax", **losses)
    model(np.zeros((1, *model.network.input_shape[1:]), np.float32))
    optimizer.build(model.trainable_variables)
    model.fresh_optimizer = [np.array(variable) for variable in optimizer.variables]
    model.fresh_seeds = [np.array(state) for state in seed_states(model)]
    return model


def reset(model: TrainingModel, learning_rate: float, seed: int) -> None:
    """Puts the optimizer and the random layers back to their initial state; the network's weights are the caller's.

    Args:
        model: as `compiled` returned it.
        learning_rate: of this run.
        seed: of augmentation, dropout and whatever else is drawn.
    """
    for variable, value in zip(model.optimizer.variables, model.fresh_optimizer):
        variable.assign(value)
    model.optimizer.learning_rate.assign(learning_rate)
    for state, value in zip(seed_states(model), model.fresh_seeds):
        # A state is (seed, steps drawn): the run's seed is worked into the first, the second begins at 0.
        state.assign(np.array([(int(value[0]) + 7919 * seed) % 2**31, 0], dtype=value.dtype))


def _with_rates(base: type) -> type:
    """An optimizer whose learning rate has a factor for each layer: the update is scaled, which Adam does not undo."""

    class WithRates(base):  # type: ignore[misc, valid-type]
        rates: dict[str, float]

        def update_step(self, gradient, variable, learning_rate):
            # TensorFlow hands over its own variable: the index leads back to Keras' one, whose path names the layer.
            path = self._trainable_variables[self._get_variable_index(variable)].path
            factor = self.rates.get(path.split("/")[-2], 1.0)
            super().update_step(gradient, variable, learning_rate * factor if factor != 1.0 else learning_rate)

    WithRates.__name__ = f"{base.__name__}WithRates"
    return WithRates


def seed_states(model: keras.Model) -> list:
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def initialise_head(model: TrainingModel, seed: int, layers: tuple[str, ...]) -> None:
    """Re-initialises the weights of these layers, and nothing else.

    Args:
        model: the training model.
        seed: the same seed gives the same weights.
        layers: their names in the network.
    """
    for name in layers:
        weights.initialise_layer(model.network.get_layer(name), seed)
