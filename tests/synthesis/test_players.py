"""Generators and discriminators: the sizes of the papers, and names that do not clash."""

import numpy as np
import pytest

from synthesis.players import discriminator, generator


def test_the_generator_is_frid_adars():
    model = generator((64, 64, 1), 100, 1024)
    shapes = [layer.output.shape[1:] for layer in model.layers if "_up" in layer.name or layer.name == "g_maps"]
    assert shapes == [(4, 4, 1024), (8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 1)]
    kernels = {layer.kernel.shape[:2] for layer in model.layers if "_up" in layer.name}
    assert kernels == {(5, 5)} and model.layers[-1].activation.__name__ == "tanh"


def test_the_discriminator_halves_the_image_four_times():
    model = discriminator((64, 64, 1), 1024, spectral=False)
    downs = [layer for layer in model.layers if "_down" in layer.name]
    assert [layer.output.shape[1] for layer in downs] == [32, 16, 8, 4]
    assert [layer.filters for layer in downs] == [128, 256, 512, 1024]
    # No batch normalisation in the first and the last layer.
    assert sum("norm" in layer.name for layer in model.layers) == 3 and model.output.shape == (None, 1)


def test_with_spectral_normalisation_no_kernel_stretches_more_than_it_should():
    model = discriminator((16, 16, 1), 16, spectral=True)
    assert not any("norm" in layer.name for layer in model.layers)
    for _ in range(30):
        model(np.random.default_rng(0).normal(size=(4, 16, 16, 1)).astype(np.float32), training=True)
    for layer in model.layers:
        if layer.name.endswith("_sn"):
            kernel = np.array(layer.layer.kernel)
            assert np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), 2) == pytest.approx(1, abs=0.1)


def test_a_generator_of_several_classes_makes_another_image_of_another_class():
    model = generator((16, 16, 1), 8, 16, classes=3)
    noise = np.ones((3, 8), np.float32)
    made = np.array(model([noise, np.arange(3, dtype=np.int32)], training=False))
    assert made.shape == (3, 16, 16, 1) and not np.allclose(made[0], made[1])
    told = discriminator((16, 16, 1), 16, False, classes=3)
    assert [output.shape[-1] for output in told.outputs] == [1, 3]
