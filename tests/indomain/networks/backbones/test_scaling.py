import json

import keras
import numpy as np
import pytest

from indomain.networks.backbones import image_input
from indomain.networks.backbones.scaling import SCALINGS, Scaling

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3)).astype(np.float32)


@pytest.mark.parametrize("name", ["caffe", "tf", "torch"])
def test_the_named_scalings_are_those_of_keras(name):
    inputs = keras.layers.Input((8, 8, 3))
    ours = keras.Model(inputs, image_input.scaled(inputs, SCALINGS[name])).predict_on_batch(PIXELS)
    expected = keras.applications.imagenet_utils.preprocess_input(PIXELS.copy(), mode=name)
    assert np.allclose(ours, expected, atol=1e-3)


def test_a_scaling_comes_back_from_a_tasks_parameters():
    given = Scaling("bgr", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert Scaling.of(json.loads(json.dumps(given.to_params()))) == given
