"""Two players in one step: neither learns from the other's loss, and both learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from indomain.training.batches import Batches
from synthesis.adversarial import SHOWN_AUGMENTED
from synthesis.registry import GENERATORS
from tests.small import same, values_of
from tests.synthesis.small import SHAPE, pictures, players


@pytest.mark.parametrize("name", GENERATORS)
def test_the_gradients_of_the_two_players_are_separate(name):
    classes = 0 if GENERATORS[name].of_class else 2
    model = players(name, classes)
    images, y = pictures(8).astype(np.float32), np.arange(8) % 2
    with tf.GradientTape(persistent=True) as tape:
        said = model(images, training=True)
        of_discriminator, of_generator = model.losses_of(said, y if classes else None)
    g, d = ([variable.value for variable in part.trainable_variables] for part in (model.g, model.d))
    assert all(gradient is None or not np.any(gradient) for gradient in tape.gradient(of_discriminator, g))
    assert all(gradient is None or not np.any(gradient) for gradient in tape.gradient(of_generator, d))
    for loss, own in ((of_discriminator, d), (of_generator, g)):
        # Embeddings have the gradients of some of their rows.
        gradients = [None if one is None else tf.convert_to_tensor(one) for one in tape.gradient(loss, own)]
        assert all(gradient is not None for gradient in gradients)
        assert any(np.any(np.abs(gradient) > 0) for gradient in gradients)


@pytest.mark.parametrize("name", ["dcgan", "dcgan-sn"])
def test_the_same_seed_gives_the_same_players_and_images(name):
    runs = []
    for _ in range(2):
        model = players(name, seed=3)
        images = pictures()
        batches = Batches(lambda rows, images=images: images[rows], np.arange(16), batch=8, seed=0)
        model.fit(batches, epochs=2, verbose=0, shuffle=False)
        runs.append((values_of(model.network), model.make(4, 1)))
    # But for the order in which busy cores add up.
    far = values_of(players(name, seed=4).network)
    apart, farther = (max(np.abs(a - b).mean() for a, b in zip(runs[0][0], other)) for other in (runs[1][0], far))
    assert apart < 1e-4 and farther > 0.01
    assert np.abs(runs[0][1].astype(int) - runs[1][1]).max() <= 2


def test_images_have_the_right_form_and_a_sample_begins_a_larger_one():
    made = players("dcgan").make(70, 5)
    assert made.shape == (70, *SHAPE) and made.dtype == np.uint8
    assert players("dcgan").make(0, 5).shape == (0, *SHAPE)


def test_a_generator_learns_what_real_images_look_like():
    model, images = players("dcgan"), pictures(32)
    batches = Batches(lambda rows: images[rows], np.resize(np.arange(32), 640), batch=16, seed=0)
    apart = abs(float(model.make(32, 0).mean()) - images.mean())
    model.fit(batches, epochs=6, verbose=0, shuffle=False)
    made = model.make(32, 0)
    assert abs(float(made.mean()) - images.mean()) < apart / 2
    # Dark in the middle, bright around, as the discs are.
    assert made[:, 6:10, 6:10].mean() < made[:, [0, 15]].mean() - 10


def test_images_are_made_by_the_average_where_there_is_one():
    model = players("dcgan-sn")
    images = pictures()
    before = values_of(model.average)
    assert same(before, values_of(model.g))
    model.fit(Batches(lambda rows: images[rows], np.arange(16), batch=8, seed=0), epochs=1, verbose=0, shuffle=False)
    now, average = values_of(model.g), values_of(model.average)
    assert not same(now, average) and not same(before, average)
    kernel = next(place for place, weight in enumerate(model.g.weights) if weight.name == "kernel")
    assert np.abs(average[kernel] - before[kernel]).max() < np.abs(now[kernel] - before[kernel]).max()
    assert not model.average.trainable_variables


def test_the_discriminator_sees_augmented_images_on_both_sides_and_some_that_are_not():
    model = players("dcgan-sn")
    images = np.linspace(-1, 1, 16 * 16, dtype=np.float32).reshape(1, 16, 16, 1).repeat(64, 0)
    seen = keras.ops.convert_to_numpy(model._shown(keras.ops.convert_to_tensor(images), True))
    unchanged = np.isclose(seen, images, atol=1e-4).all(axis=(1, 2, 3)).mean()
    assert abs(unchanged - (1 - SHOWN_AUGMENTED)) < 0.2
    plain = players("dcgan")
    assert np.array_equal(keras.ops.convert_to_numpy(plain._shown(keras.ops.convert_to_tensor(images), True)), images)


def test_the_companions_discriminator_learns_faster():
    rates = players("dcgan-sn").optimizer.rates
    assert set(rates.values()) == {4.0} and all(name.startswith("d_") for name in rates)
    assert set(players("dcgan").optimizer.rates.values()) == {1.0}
    assert float(players("dcgan").optimizer.beta_1) == 0.5
