"""The training model: a network with augmentation and a loss, compiled once and reset for every run."""

from typing import Any

import keras
import numpy as np

from indomain.networks import weights
from indomain.training.augmentation import apply, layers_of
from indomain.training.options import LearningOptions


class TrainingModel(keras.Model):
    """A network in training: augments the batch, then calls the network; the loss is set by `compile` or by a subclass.

    Args:
        network: images 0–255 to whatever the loss takes.
        augmentation: a key of `indomain.training.registry.AUGMENTATIONS`.
    """

    def __init__(self, network: keras.Model, augmentation: str) -> None:
        super().__init__(name=f"training_{network.name}")
        self.network = network
        self.augmentations = layers_of(augmentation)

    def augmented(self, images: Any, training: bool | None) -> Any:
        """Augments a batch of images; returns float32 of the same shape.

        Args:
            images: (n, rows, columns, channels), 0–255.
            training: whether to augment.
        """
        return apply(self.augmentations, images, training)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The output of the network for augmented images.

        Args:
            images: (n, rows, columns, channels), 0–255.
            training: whether to augment, and to run dropout and batch normalisation in training mode.
        """
        return self.network(self.augmented(images, training), training=training)


def compiled(
    model: TrainingModel, options: LearningOptions, rates: dict[str, float] | None = None, **losses: Any
) -> TrainingModel:
    """`model` compiled and built; keeps a copy of the initial optimizer state for `reset`.

    Args:
        model: the training model.
        options: optimizer, learning rate and momentum.
        rates: layer name -> factor on the learning rate of its weights; 1 for layers not listed.
        **losses: `loss` and `metrics` for keras.Model.compile.
    """
    base = {"adam": keras.optimizers.Adam, "sgd": keras.optimizers.SGD}[options.optimizer]
    settings = {"momentum": options.momentum} if options.optimizer == "sgd" else {}
    optimizer = _with_rates(base)(learning_rate=options.learning_rate, **settings)
    optimizer.rates = rates or {}
    # With TensorFlow on CPUs, XLA trains these networks two to six times slower, and takes longer to compile.
    model.compile(optimizer=optimizer, jit_compile=keras.config.backend() == "jax", **losses)
    model(np.zeros((1, *model.network.input_shape[1:]), np.float32))
    optimizer.build(model.trainable_variables)
    model.fresh_optimizer = [np.array(variable) for variable in optimizer.variables]
    model.fresh_seeds = [np.array(state) for state in seed_states(model)]
    return model


def reset(model: TrainingModel, learning_rate: float, seed: int) -> None:
    """Resets the optimizer and the random layers to their initial state; the network's weights are left to the caller.

    Args:
        model: as `compiled` returned it.
        learning_rate: of this run.
        seed: seed of augmentation, dropout and all other random layers.
    """
    for variable, value in zip(model.optimizer.variables, model.fresh_optimizer):
        variable.assign(value)
    model.optimizer.learning_rate.assign(learning_rate)
    for state, value in zip(seed_states(model), model.fresh_seeds):
        # A state is (layer seed, number of draws so far): the run's seed is mixed into the first, the second starts
        # at 0.
        state.assign(np.array([(int(value[0]) + 7919 * seed) % 2**31, 0], dtype=value.dtype))


def _with_rates(base: type) -> type:
    """A subclass of an optimizer with a factor on the learning rate of each layer.

    The update is scaled, not the gradient: Adam normalises gradients and would undo the factor.
    """

    class WithRates(base):  # type: ignore[misc, valid-type]
        rates: dict[str, float]

        def update_step(self, gradient, variable, learning_rate):
            # TensorFlow passes its own variable: the index leads back to the Keras variable, whose path has the layer.
            path = self._trainable_variables[self._get_variable_index(variable)].path
            factor = self.rates.get(path.split("/")[-2], 1.0)
            super().update_step(gradient, variable, learning_rate * factor if factor != 1.0 else learning_rate)

    WithRates.__name__ = f"{base.__name__}WithRates"
    return WithRates


def seed_states(model: keras.Model) -> list:
    """The states of all random layers of a model, each (seed, number of draws so far)."""
    return [variable for variable in model.variables if variable.name == "seed_generator_state"]


def initialise_head(model: TrainingModel, seed: int, layers: tuple[str, ...]) -> None:
    """Re-initialises the weights of some layers and leaves all others alone.

    Args:
        model: the training model.
        seed: the same seed gives the same weights.
        layers: names of the layers in `model.network`.
    """
    for name in layers:
        weights.initialise_layer(model.network.get_layer(name), seed)
