import keras
import numpy as np
import pytest

from indomain.networks import inference


class Recorder(keras.Model):
    """Gives the mean of each image, and remembers the sizes of the batches that it got."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def predict_on_batch(self, x):
        self.sizes.append(len(x))
        assert x.dtype == np.float32
        return x.mean(axis=(1, 2))


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (150, 3, 3, 1), dtype=np.uint8)


def test_outputs_are_in_the_order_of_the_rows(images):
    rows = np.array([7, 3, 149, 3])
    found = inference.predict(Recorder(), lambda rows: images[rows], rows)
    np.testing.assert_allclose(found, images[rows].mean(axis=(1, 2)), rtol=1e-6)


@pytest.mark.parametrize("count", [1, 64, 65, 150])
def test_batches_of_rows_have_one_size(images, count):
    # Another size would be traced and compiled anew.
    model = Recorder()
    found = inference.predict(model, lambda rows: images[rows], np.arange(count))
    assert len(found) == count and set(model.sizes) == {inference.BATCH}


def test_arrays_come_in_large_batches_of_few_sizes():
    # `predict` in a loop of small batches is some 80 times slower.
    images = np.random.default_rng(0).integers(0, 256, (600, 2, 2, 1), dtype=np.uint8)
    model = Recorder()
    for count in range(1, 601, 7):
        inference.predict_arrays(model, images[:count])
    assert set(model.sizes) <= {16, 32, 64, 128, 256}
    model.sizes.clear()
    found = inference.predict_arrays(model, images)
    assert model.sizes == [256, 256, 128]
    np.testing.assert_allclose(found, images.mean(axis=(1, 2)), rtol=1e-6)
