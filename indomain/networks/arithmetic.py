"""How large and how fast a network is: weights, multiply-adds, and the time for one image."""

import time
from statistics import median
from typing import Any

import keras
import numpy as np

WARM_UP, TIMED = 3, 20


def multiply_adds(model: keras.Model) -> int:
    """Multiply-adds of one image: those of convolutions and dense layers, which are nearly all.

    Args:
        model: a functional model.
    """
    return round(sum(_of_layer(layer) for layer in model.layers))


def _of_layer(layer: keras.layers.Layer) -> float:
    shape: tuple[Any, ...] = layer.output.shape if hasattr(layer, "output") else ()
    if isinstance(layer, keras.layers.SeparableConv2D):
        pixels = shape[1] * shape[2]
        return pixels * sum(float(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) == 4)
    if isinstance(layer, keras.layers.DepthwiseConv2D | keras.layers.Conv2D):
        # A depthwise kernel is (h, w, channels, multiplier): its product is right as well.
        return shape[1] * shape[2] * float(np.prod(layer.weights[0].shape))
    if isinstance(layer, keras.layers.EinsumDense):
        terms, result = layer.equation.split("->")
        sizes = dict(zip(terms.split(",")[1], layer.kernel.shape)) | dict(zip(result[1:], shape[1:]))
        return float(np.prod(list(sizes.values())))
    if isinstance(layer, keras.layers.Dense):
        # At every position, where the input has positions.
        return float(np.prod(shape[1:-1])) * float(np.prod(layer.kernel.shape))
    return 0.0


def size(model: keras.Model) -> dict[str, Any]:
    """Facts for a run's record: the numbers of weights and of multiply-adds.

    Args:
        model: a functional model.
    """
    return {"weights": int(model.count_params()), "multiply_adds": multiply_adds(model)}


def latency_ms(model: keras.Model) -> float:
    """Milliseconds for one image alone: the median of 20, after three that are not counted.

    Args:
        model: a functional model with one input.
    """
    image = np.zeros((1, *model.input_shape[1:]), np.float32)
    seconds = []
    for _ in range(WARM_UP + TIMED):
        began = time.perf_counter()
        model.predict_on_batch(image)
        seconds.append(time.perf_counter() - began)
    return round(1000 * median(seconds[WARM_UP:]), 3)
