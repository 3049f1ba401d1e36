"""The networks of CycleGAN: what lies outside the mask stays as it is."""

import keras
import numpy as np
import pytest

from synthesis.translators import patch_discriminator, translator

SHAPE = (16, 16, 3)


def pictures():
    return np.random.default_rng(0).uniform(-1, 1, (2, *SHAPE)).astype("float32")


def test_a_translator_gives_an_image_of_the_same_form_and_a_mask():
    image, mask = (keras.ops.convert_to_numpy(part) for part in translator(SHAPE, 4, 1, True, "t")(pictures()))
    assert image.shape == (2, *SHAPE) and mask.shape == (2, 16, 16, 1)
    assert np.abs(image).max() <= 1 + 1e-6 and mask.min() > 0 and mask.max() < 1


@pytest.mark.parametrize(("bias", "kept"), [(-30.0, True), (30.0, False)])
def test_what_lies_outside_the_mask_stays_as_it_is(bias, kept):
    model = translator(SHAPE, 4, 1, True, "t")
    layer = model.get_layer("t_mask")
    layer.set_weights([np.zeros_like(layer.get_weights()[0]), np.array([bias], "float32")])
    image = keras.ops.convert_to_numpy(model(pictures())[0])
    assert np.allclose(image, pictures(), atol=1e-5) is kept


def test_without_a_mask_all_is_drawn():
    model = translator(SHAPE, 4, 1, False, "t")
    image, mask = (keras.ops.convert_to_numpy(part) for part in model(pictures()))
    drawn = keras.Model(model.input, model.get_layer("t_drawn").output)(pictures())
    assert (mask == 1).all()
    np.testing.assert_allclose(image, keras.ops.convert_to_numpy(drawn), atol=1e-5)


def test_a_discriminator_judges_patches():
    assert patch_discriminator(SHAPE, 8, "d")(pictures()).shape == (2, 2, 2, 1)
    assert patch_discriminator((64, 64, 1), 8, "d").output_shape == (None, 8, 8, 1)
