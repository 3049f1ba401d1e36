"""Networks whose explanations are known."""

import keras
import numpy as np


def closed_form(size: int = 8) -> keras.Model:
    """A network whose Grad-CAM is known: one 1×1 convolution with two filters, averaged, then logits ±."""
    inputs = keras.layers.Input((size, size, 1), name="image")
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="maps")(inputs)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    logits = keras.layers.Dense(2, use_bias=False, name="logits")(pool)
    model = keras.Model(inputs, keras.layers.Softmax(name="scores")(logits))
    model.get_layer("maps").set_weights([np.array([1.0, -1.0]).reshape(1, 1, 1, 2)])
    model.get_layer("logits").set_weights([np.array([[0.0, 2.0], [0.0, 0.5]])])
    return model


def corner() -> keras.Model:
    """A network for images of 24 pixels for which a bright upper left quarter is all that speaks for class 1."""
    inputs = keras.layers.Input((24, 24, 1), name="image")
    quarter = keras.layers.Cropping2D(((0, 12), (0, 12)))(inputs)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(quarter)
    logits = keras.layers.Dense(2, name="logits")(pool)
    model = keras.Model(inputs, keras.layers.Softmax(name="scores")(logits))
    model.get_layer("logits").set_weights([np.array([[0.0, 0.1]]), np.array([0.0, -12.0])])
    return model
