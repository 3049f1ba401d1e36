"""The training model: a network with augmentation and a loss, compiled once and reset for every run."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

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

    @property
    def fed_shape(self) -> tuple[int, ...]:
        """(rows, columns, channels) of what a batch holds."""
        return self.network.input_shape[1:]

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
        options: optimizer, learning rate, momentum, weight decay and clipping.
        rates: layer name -> factor on the learning rate of its weights; 1 for layers not listed.
        **losses: `loss` and `metrics` for keras.Model.compile.
    """
    # Two players that learn from each other forget sooner than others.
    moments = {"beta_1": options.beta_1} if hasattr(options, "beta_1") else {}
    base, own = {
        "adamw": (keras.optimizers.AdamW, {"weight_decay": options.weight_decay, **moments}),
        "adam": (keras.optimizers.Adam, moments),
        "sgd": (keras.optimizers.SGD, {"momentum": options.momentum}),
    }[options.optimizer]
    optimizer = _scheduled(base)(learning_rate=options.learning_rate, global_clipnorm=options.clip or None, **own)
    optimizer.rates = rates or {}
    # Scales and shifts are not drawn towards 0, where normalisation would be switched off.
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # With TensorFlow on CPUs, XLA trains these networks two to six times slower, and takes longer to compile.
    model.compile(optimizer=optimizer, jit_compile=keras.config.backend() == "jax", **losses)
    model(np.zeros((1, *model.fed_shape), np.float32))
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
    # The public attribute is what the schedule makes of it.
    model.optimizer._learning_rate.assign(learning_rate)
    for state, value in zip(seed_states(model), model.fresh_seeds):
        # A state is (layer seed, number of draws so far): the run's seed is mixed into the first, the second starts
        # at 0.
        state.assign(np.array([(int(value[0]) + 7919 * seed) % 2**31, 0], dtype=value.dtype))


def set_schedule(model: TrainingModel, options: LearningOptions, steps: int) -> None:
    """Sets how the learning rate changes over a run.

    Args:
        model: as `compiled` returned it.
        options: schedule and warm-up.
        steps: number of steps of the whole run.
    """
    optimizer = model.optimizer
    optimizer.warmup_steps.assign(round(options.warmup * steps))
    # A constant rate is one whose end is never reached.
    optimizer.last_step.assign(steps if options.schedule == "cosine" else 0)


def _scheduled(base: type) -> type:
    """A subclass of an optimizer with a schedule that is set for each run, and a factor on the learning rate of each layer.

    Steps are variables, so that one compiled model serves runs of any length. The update is scaled by the factor, not the
    gradient: Adam normalises gradients and would undo it.
    """

    class Scheduled(base):  # type: ignore[misc, valid-type]
        rates: dict[str, float]

        def build(self, variables):
            if not self.built:
                super().build(variables)
                self.warmup_steps, self.last_step = (
                    self.add_variable((), dtype="float32", name=name) for name in ("warmup_steps", "last_step")
                )

        def _get_current_learning_rate(self):
            done, warmup, last = ops.cast(self.iterations, "float32"), self.warmup_steps, self.last_step
            risen = ops.minimum((done + 1) / ops.maximum(warmup, 1), 1)
            progress = ops.clip((done - warmup) / ops.maximum(last - warmup, 1), 0, 1)
            fallen = ops.where(last > 0, (1 + ops.cos(math.pi * progress)) / 2, 1.0)
            return super()._get_current_learning_rate() * risen * fallen

        def update_step(self, gradient, variable, learning_rate):
            # TensorFlow passes its own variable: the index leads back to the Keras variable, whose path has the layer.
            path = self._trainable_variables[self._get_variable_index(variable)].path
            factor = self.rates.get(path.split("/")[-2], 1.0)
            super().update_step(gradient, variable, learning_rate * factor if factor != 1.0 else learning_rate)

    Scheduled.__name__ = f"Scheduled{base.__name__}"
    return Scheduled


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
