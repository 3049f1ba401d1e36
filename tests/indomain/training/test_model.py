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
