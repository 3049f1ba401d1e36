import numpy as np
from keras import ops

from pretrain.autoencoder import Noise

IMAGES = np.full((4, 16, 16, 1), 128, "float32")


def test_noise_is_added_to_what_the_network_sees_while_it_trains():
    noisy, _ = Noise(0.1)(ops.convert_to_tensor(IMAGES), training=True)
    added = ops.convert_to_numpy(noisy) - IMAGES
    assert 0.08 < added.std() / 255 < 0.12 and abs(added.mean()) < 5


def test_without_training_there_is_no_noise():
    noisy, _ = Noise(0.1)(ops.convert_to_tensor(IMAGES), training=False)
    np.testing.assert_allclose(ops.convert_to_numpy(noisy), IMAGES, rtol=1e-6)


def test_noise_does_not_leave_the_range_of_values():
    for value in (0, 255):
        noisy = ops.convert_to_numpy(Noise(0.5)(ops.convert_to_tensor(IMAGES * 0 + value), training=True)[0])
        assert noisy.min() >= 0 and noisy.max() <= 255 and noisy.std() > 0


def test_every_pixel_counts():
    _, counts = Noise(0.1)(ops.convert_to_tensor(IMAGES), training=True)
    assert counts.shape == (4, 16, 16, 1) and float(ops.min(counts)) == 1
