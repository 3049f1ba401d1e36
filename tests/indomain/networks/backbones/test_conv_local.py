import keras
import numpy as np

from indomain.networks.backbones import conv_local


def test_a_local_layer_has_a_kernel_of_its_own_at_every_position():
    inputs = keras.Input((4, 5, 2))
    layer = keras.Model(inputs, conv_local._local(inputs, 3, "local"))
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(4, 5, 18, 3)).astype("float32"), rng.normal(size=(4, 5, 3)).astype("float32")
    layer.get_layer("local").set_weights([kernel, bias])
    maps = rng.normal(size=(2, 4, 5, 2)).astype("float32")
    padded = np.pad(maps, [(0, 0), (1, 1), (1, 1), (0, 0)])
    expected = np.empty((2, 4, 5, 3))
    for row in range(4):
        for column in range(5):
            patch = padded[:, row : row + 3, column : column + 3].reshape(2, 18)
            expected[:, row, column] = np.maximum(patch @ kernel[row, column] + bias[row, column], 0)
    np.testing.assert_allclose(layer.predict(maps, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_its_layout():
    model = conv_local.conv_local((32, 32, 1))
    weighted = [layer.name for layer in model.layers if layer.weights]
    assert weighted == ["conv1", "conv2", "local3", "local4"] and model.output_shape == (None, 8 * 8 * 32)
