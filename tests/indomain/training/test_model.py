import keras
import numpy as np
import pytest

from indomain.networks import architecture, weights
from indomain.training import model as training_model
from indomain.training.batches import Batches
from indomain.training.model import TrainingModel
from indomain.training.options import LearningOptions
from tests.small import problem, same, values_of

RATE = 1e-4
PLAIN = LearningOptions()


def tiny(frozen=False):
    """A network of two layers with a head for two classes, quick to trace."""
    inputs = keras.layers.Input((16, 16, 1))
    x = keras.layers.Conv2D(4, 3, activation="relu", trainable=not frozen, name="stem")(inputs)
    base = keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(x), name="tiny")
    return architecture.with_head(base, 2, 0.5)


def made(options=PLAIN, rates=None, traced=None):
    """A tiny network, compiled for two classes; `traced` gets one entry whenever its step is traced."""

    class Counted(TrainingModel):
        def call(self, images, training=None):
            if traced is not None:
                traced.append(training)
            return super().call(images, training=training)

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return training_model.compiled(Counted(tiny(), options.augment), options, rates, loss=loss)


def learn(model, seed, epochs=1, rate=RATE):
    """Resets the model to a seed and fits it to the small problem; returns its weights."""
    weights.initialise(model.network, seed)
    training_model.reset(model, rate, seed)
    examples = problem()
    model.fit(Batches(examples.images, *examples.part("train"), batch=36), epochs=epochs, verbose=0, shuffle=False)
    return values_of(model.network)


@pytest.fixture(scope="module")
def traced():
    """What the steps of `model` were traced for."""
    return []


@pytest.fixture(scope="module")
def model(traced):
    """A model that several tests reset and fit."""
    return made(traced=traced)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_layers_learning_rate_has_its_factor_under_every_optimizer(optimizer):
    # Adam's first step has the length of the learning rate whatever the gradient: scaled gradients would not show.
    moved = {}
    for factor in (1.0, 10.0):
        scaled = made(LearningOptions(optimizer=optimizer, momentum=0), {"logits": factor})
        weights.initialise(scaled.network, 0)
        before = {name: np.array(scaled.network.get_layer(name).bias) for name in ("logits", "stem")}
        learn(scaled, 0)
        moved[factor] = {name: np.abs(np.array(scaled.network.get_layer(name).bias) - before[name]) for name in before}
    np.testing.assert_allclose(moved[10.0]["logits"], 10 * moved[1.0]["logits"], rtol=1e-3)
    np.testing.assert_allclose(moved[10.0]["stem"], moved[1.0]["stem"], rtol=1e-3, atol=1e-9)
    assert moved[1.0]["logits"].max() > 0


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_each_step_is_as_long_as_the_schedule_says(schedule):
    options = LearningOptions(optimizer="sgd", momentum=0, schedule=schedule, warmup=0.3, clip=0)
    scheduled = made(options)
    weights.initialise(scheduled.network, 0)
    training_model.reset(scheduled, 0.1, 0)
    training_model.set_schedule(scheduled, options, 10)
    weight = scheduled.network.get_layer("logits").bias
    moved = []
    for _ in range(10):
        before = np.array(weight)
        # The gradient is 1 for every weight.
        scheduled.optimizer.apply([keras.ops.ones_like(one) for one in scheduled.trainable_variables])
        moved.append(float((before - np.array(weight)).mean()))
    rise, fall = np.array([1, 2, 3]) / 3, (1 + np.cos(np.pi * np.arange(7) / 7)) / 2
    np.testing.assert_allclose(moved, 0.1 * np.r_[rise, fall if schedule == "cosine" else np.ones(7)], rtol=1e-4)


def test_a_schedule_of_another_length_traces_nothing_anew(model, traced):
    learn(model, seed=0)
    count = len(traced)
    for steps in (5, 50):
        training_model.set_schedule(model, PLAIN, steps)
        learn(model, seed=0)
    training_model.set_schedule(model, LearningOptions(schedule="constant", warmup=0), 1)
    assert len(traced) == count > 0


def test_long_gradients_are_shortened_together():
    options = LearningOptions(optimizer="sgd", momentum=0, schedule="constant", warmup=0, clip=0.5)
    clipped = made(options)
    training_model.reset(clipped, 1.0, 0)
    before = [np.array(one) for one in clipped.trainable_variables]
    clipped.optimizer.apply([3.0 * keras.ops.ones_like(one) for one in clipped.trainable_variables])
    moved = np.concatenate([(old - np.array(new)).ravel() for old, new in zip(before, clipped.trainable_variables)])
    np.testing.assert_allclose(np.linalg.norm(moved), 0.5, rtol=1e-4)
    assert np.ptp(moved) < 1e-6


def test_weight_decay_draws_kernels_towards_zero_and_leaves_biases_alone():
    options = LearningOptions(weight_decay=0.5, schedule="constant", warmup=0)
    decayed = made(options)
    weights.initialise(decayed.network, 0)
    decayed.network.get_layer("logits").bias.assign([1.0, 1.0])
    training_model.reset(decayed, 0.1, 0)
    kernel = np.array(decayed.network.get_layer("logits").kernel)
    decayed.optimizer.apply([keras.ops.zeros_like(one) for one in decayed.trainable_variables])
    np.testing.assert_allclose(np.array(decayed.network.get_layer("logits").kernel), kernel * 0.95, rtol=1e-5)
    assert np.array(decayed.network.get_layer("logits").bias).tolist() == [1.0, 1.0]


def test_a_model_that_was_reset_learns_as_a_new_one(model):
    learn(model, seed=5, epochs=2, rate=1e-2)
    assert same(learn(model, seed=0), learn(made(), seed=0))


def test_runs_after_the_first_trace_nothing_anew(model, traced):
    learn(model, seed=0)
    count = len(traced)
    for seed in (1, 2, 3):
        learn(model, seed, rate=10.0 ** -(seed + 2))
    assert len(traced) == count > 0


def test_resetting_works_the_seed_into_what_is_drawn():
    augmented = made(LearningOptions(augment="basic"))
    images = problem().images(np.arange(8))
    drawn = []
    for seed in (0, 1, 0):
        training_model.reset(augmented, RATE, seed)
        drawn.append(np.asarray(augmented.augmented(images, True)))
    assert np.array_equal(drawn[0], drawn[2]) and not np.allclose(drawn[0], drawn[1])


def test_resetting_leaves_the_networks_weights_to_the_caller(model):
    weights.initialise(model.network, 3)
    before = values_of(model.network)
    training_model.reset(model, RATE, 0)
    assert same(before, values_of(model.network))


def test_on_a_processor_the_training_step_is_not_compiled_with_xla(model):
    assert model.jit_compile is (keras.config.backend() == "jax")


def test_layers_frozen_before_compiling_have_no_place_in_the_optimizer():
    frozen = training_model.compiled(TrainingModel(tiny(frozen=True), "none"), PLAIN, loss="mse")
    assert [weight.path.split("/")[-2] for weight in frozen.trainable_variables] == ["logits", "logits"]


def test_a_new_head_is_all_that_is_initialised(model):
    weights.initialise(model.network, 0)
    before = {layer.name: values_of(layer) for layer in model.network.layers if layer.weights}
    training_model.initialise_head(model, 1, ("logits",))
    assert same(before["stem"], values_of(model.network.get_layer("stem")))
    assert not same(before["logits"], values_of(model.network.get_layer("logits")))
