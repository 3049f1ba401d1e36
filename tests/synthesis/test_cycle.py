"""CycleGAN: neither side learns from the other's loss, translations come to look as they should, and nothing is made up in making."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from indomain.training import model as training_model
from indomain.training.batches import Batches
from synthesis.cycle import cycle, initialise
from synthesis.options import CycleOptions
from tests.small import values_of
from tests.synthesis.small import SHAPE, pictures

OPTIONS = CycleOptions(steps=10, batch=4, width=4, blocks=1, augment="none")


@pytest.fixture(scope="module")
def built():
    return cycle(OPTIONS, SHAPE)


def drawn(model, seed=0, options=OPTIONS):
    """The players with the weights of a seed."""
    initialise(model, seed)
    training_model.reset(model, options.learning_rate, seed)
    training_model.set_schedule(model, options, 10)
    return model


def pale(count=16):
    """The discs of `pictures`, paler."""
    images = pictures(count)
    return np.where(images == 60, 140, images).astype(np.uint8)


def test_the_gradients_of_the_two_sides_are_separate(built):
    model = drawn(built)
    pairs = np.concatenate([pictures(4), pale(4)], axis=1).astype(np.float32)
    with tf.GradientTape(persistent=True) as tape:
        of_discriminators, of_translators = model.losses_of(model(pairs, training=True))
    translators = [variable.value for part in (model.there, model.back) for variable in part.trainable_variables]
    judges = [variable.value for part in (model.first, model.second) for variable in part.trainable_variables]
    assert all(one is None or not np.any(one) for one in tape.gradient(of_discriminators, translators))
    assert all(one is None or not np.any(one) for one in tape.gradient(of_translators, judges))
    for loss, own in ((of_discriminators, judges), (of_translators, translators)):
        gradients = tape.gradient(loss, own)
        assert all(one is not None for one in gradients) and any(np.any(np.abs(one) > 0) for one in gradients)


def test_the_losses_are_least_squares_and_distances(built):
    one, half = keras.ops.ones((2, 2, 2, 1)), keras.ops.ones((2, 2, 2, 1)) / 2
    image = keras.ops.zeros((2, *SHAPE))
    said = {f"{part}_{kind}": half for part in ("real", "made", "fooled") for kind in "ab"}
    said |= dict.fromkeys(("a", "b"), image) | dict.fromkeys(("a_again", "b_again", "a_kept", "b_kept"), image + 0.1)
    said["mask"] = keras.ops.mean(one)
    of_discriminators, of_translators = (float(loss) for loss in drawn(built).losses_of(said))
    assert of_discriminators == pytest.approx(2 * (0.25 + 0.25) / 2)
    assert of_translators == pytest.approx(2 * 0.25 + 10 * 0.2 + 0.5 * 10 * 0.2)


def test_translations_come_to_look_like_the_other_kind():
    options = OPTIONS.model_copy(update={"learning_rate": 2e-3, "identity": 0.0, "cycle": 2.0, "width": 8})
    model, dark, light = drawn(cycle(options, SHAPE), 0, options), pictures(32), pale(32)
    both = np.concatenate([dark, light], axis=1)
    batches = Batches(lambda rows: both[rows], np.resize(np.arange(32), 320), batch=8, seed=0)
    model.fit(batches, epochs=4, verbose=0, shuffle=False)
    made = model.translated(dark, True)
    assert made.shape == dark.shape and made.dtype == np.uint8
    disc, ground = made[dark == 60].mean(), made[dark == 200].mean()
    assert disc > 100 and ground > 150, (disc, ground)


def test_each_image_is_translated_once_and_then_again_after_an_augmentation(built):
    model, images = drawn(built), pictures(6)
    once, change = model.make(images, True, 6, seed=3)
    assert {tuple(one.ravel()) for one in once} == {tuple(one.ravel()) for one in model.translated(images, True)}
    assert change > 0
    more, _ = model.make(images, True, 10, seed=3)
    np.testing.assert_array_equal(more[:6], once)
    assert len({tuple(one.ravel()) for one in more}) > 6
    assert model.make(images, True, 0, seed=3)[0].shape == (0, *SHAPE)


def test_the_same_seed_gives_the_same_players(built):
    runs, both = [], np.concatenate([pictures(), pale()], axis=1)
    for seed in (3, 3, 4):
        model = drawn(built, seed)
        batches = Batches(lambda rows: both[rows], np.arange(16), batch=8, seed=0)
        model.fit(batches, epochs=1, verbose=0, shuffle=False)
        runs.append(values_of(model.network))
    apart, farther = (max(np.abs(a - b).mean() for a, b in zip(runs[0], other)) for other in runs[1:])
    assert apart < 1e-4 and farther > 0.01
