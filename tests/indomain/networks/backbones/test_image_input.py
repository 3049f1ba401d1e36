import keras
import numpy as np
import pytest
from PIL import Image

from indomain.networks import backbones, weights
from indomain.networks.backbones import image_input


@pytest.mark.parametrize(("shape", "size"), [((48, 64, 1), None), ((96, 96, 3), 96)])
def test_images_that_fit_go_in_as_they_are(shape, size):
    inputs, seen = image_input.image(shape, size)
    assert seen is inputs and inputs.shape == (None, *shape)


def test_other_images_are_resized_without_aliasing():
    inputs, seen = image_input.image((48, 48, 1), 16)
    # Stripes of one pixel: without antialiasing every third pixel would give stripes of another width.
    stripes = np.zeros((1, 48, 48, 1), np.float32)
    stripes[:, :, ::2] = 255
    found = keras.Model(inputs, seen).predict_on_batch(stripes)
    assert found.shape == (1, 16, 16, 1) and np.abs(found - 127.5).max() < 30


@pytest.mark.parametrize("size", [40, 160])
def test_pillows_bicubic_filter_gives_the_same_pixels(size):
    picture = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC), np.float32)
    found = keras.Model(*image_input.image((64, 64, 1), size)).predict_on_batch(picture[None, ..., None])[0, ..., 0]
    assert found.min() >= 0 and found.max() <= 255
    # Pillow rounds and clips after each of two passes: pixels of noise differ where the first overshoots.
    assert np.quantile(np.abs(found - expected), 0.95) < 1


@pytest.mark.parametrize("name", ["squeezenet", "dcnn-light"])
def test_a_network_of_its_own_size_sees_the_resized_image(name):
    width = 0.125 if name in backbones.WITH_WIDTH else 1.0
    model, plain = backbones.build(name, (48, 64, 1), width, 96), backbones.build(name, (96, 96, 1), width)
    assert model.input_shape == (None, 48, 64, 1) and not any(isinstance(layer, keras.Model) for layer in model.layers)
    weights.initialise(model, 0)
    weights.initialise(plain, 0)
    images = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 1)).astype(np.float32)
    resized = np.clip(keras.ops.image.resize(images, (96, 96), "bicubic", antialias=True), 0, 255)
    np.testing.assert_allclose(model.predict_on_batch(images), plain.predict_on_batch(resized), atol=1e-4)
