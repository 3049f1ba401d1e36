import keras
import pytest

from indomain.networks import architecture, arithmetic
from indomain.networks.options import Architecture


def test_multiply_adds_are_those_of_convolutions_and_dense_layers():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", strides=2)(image)  # 4 x 4 places, 3 x 3 x 3 x 4 products each
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)  # 4 x 4 places, 3 x 3 x 4
    x = keras.layers.SeparableConv2D(5, 3, padding="same")(x)  # 4 x 4 places, 3 x 3 x 4 and 4 x 5
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(image, keras.layers.Dense(2)(x))
    assert arithmetic.multiply_adds(model) == 16 * 108 + 16 * 36 + 16 * (36 + 20) + 10
    assert arithmetic.size(model) == {"weights": model.count_params(), "multiply_adds": arithmetic.multiply_adds(model)}


def test_a_resnet50_has_what_is_known_of_it():
    """4.12 billion at 224 pixels as Peng et al. count (their stride is elsewhere), 3.86 as He et al. 2016 do."""
    model = architecture.backbone(Architecture("resnet50", 1.0, (224, 224, 3)))
    assert arithmetic.multiply_adds(model) / 1e9 == pytest.approx(3.86, abs=0.02)


def test_one_image_takes_time():
    image = keras.Input((8, 8, 1))
    model = keras.Model(image, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(image)))
    assert 0 < arithmetic.latency_ms(model) < 1000
