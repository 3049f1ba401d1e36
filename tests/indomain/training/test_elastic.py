import keras
import numpy as np
import pytest

from indomain.training.elastic import Elastic, sampled


@pytest.fixture(scope="module")
def shifts():
    """By how much eight images are shifted along rows and along columns, away from their edges."""
    y, x = np.mgrid[:32, :32].astype("float32")
    ramps = np.repeat(np.stack([y, x], axis=-1)[None], 8, axis=0)
    bent = keras.ops.convert_to_numpy(Elastic(strength=0.05, seed=3)(ramps, training=True))
    return (bent - ramps)[:, 4:-4, 4:-4]


def correlation(first, second):
    return abs(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_images_are_bent_by_a_pixel_or_two(shifts):
    assert 0.5 < shifts.std() < 3


def test_shifts_along_rows_and_columns_are_not_the_same(shifts):
    assert correlation(shifts[..., 0], shifts[..., 1]) < 0.5


def test_each_image_of_a_batch_is_bent_in_its_own_way(shifts):
    assert correlation(shifts[0], shifts[1]) < 0.9


def test_neighbours_move_alike(shifts):
    assert np.abs(np.diff(shifts, axis=1)).mean() < 0.3


class Bent(keras.Model):
    """Bends its images whether it is trained or not."""

    def __init__(self):
        super().__init__()
        self.elastic = Elastic(strength=0.05, seed=3)

    def call(self, images):
        return self.elastic(images, training=True)


def test_where_the_length_of_a_batch_is_not_known_each_image_is_bent_in_its_own_way_too():
    # As under `fit`, when the step is traced.
    ramp = np.tile(np.arange(16, dtype="float32")[:, None, None], (6, 1, 16, 1))
    bent = Bent().predict(ramp, batch_size=4, verbose=0)
    assert all(np.abs(bent[0] - other).max() > 0.1 for other in bent[1:])


def test_images_that_are_not_trained_on_stay_as_they_are():
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    assert np.array_equal(keras.ops.convert_to_numpy(Elastic(seed=3)(images, training=False)), images)


def test_sampling_is_bilinear_and_takes_the_nearest_edge_outside():
    images = np.arange(12, dtype="float32").reshape(1, 3, 4, 1)
    places = np.array([[0.0, 0.0], [0.5, 0.5], [2.0, 3.0], [-5.0, 1.0], [1.0, 9.0]], "float32").reshape(1, 5, 1, 2)
    found = sampled(keras.ops.convert_to_tensor(images), keras.ops.convert_to_tensor(places))
    assert keras.ops.convert_to_numpy(found).ravel().tolist() == [0.0, 2.5, 11.0, 1.0, 7.0]


def test_positions_have_32_bits_whatever_the_precision():
    # 16 bits cannot tell pixel 300 from its neighbour.
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        ramp = np.tile(np.arange(400, dtype="float32") / 2, (1, 400, 1))[..., None]
        still = keras.ops.convert_to_numpy(keras.ops.cast(Elastic(strength=0.0)(ramp, training=True), "float32"))
    finally:
        keras.config.set_dtype_policy(policy)
    np.testing.assert_allclose(still, ramp, atol=1)


def test_it_comes_back_from_its_configuration():
    layer = Elastic.from_config(Elastic(strength=0.1, points=7, seed=5).get_config())
    assert (layer.strength, layer.points, layer.seed) == (0.1, 7, 5)
