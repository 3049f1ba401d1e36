"""Multiply-adds and weights of every backbone at 224 pixels: the arithmetic behind docs/scale.md. Nothing is timed."""

import keras
import numpy as np

from benchmarks.ratios import write
from indomain.networks import backbones


def multiply_adds(layer: keras.layers.Layer) -> float:
    """Of one layer and one image; convolutions and dense layers, which are nearly all of it."""
    shape = layer.output.shape if hasattr(layer, "output") else ()
    if isinstance(layer, keras.layers.SeparableConv2D):
        pixels = shape[1] * shape[2]
        return pixels * sum(float(np.prod(weight.shape)) for weight in layer.weights if len(weight.shape) == 4)
    if isinstance(layer, keras.layers.DepthwiseConv2D | keras.layers.Conv2D):
        # A depthwise kernel is (h, w, channels, multiplier): its product is right as well.
        return shape[1] * shape[2] * float(np.prod(layer.weights[0].shape))
    if isinstance(layer, keras.layers.Dense):
        # At every position, where the input has positions.
        return float(np.prod(shape[1:-1])) * float(np.prod(layer.kernel.shape))
    return 0.0


def main() -> None:
    rows: list[dict[str, object]] = []
    for name in sorted(backbones.BACKBONES):
        model = backbones.build(name, (224, 224, 3))
        total = sum(multiply_adds(layer) for layer in model.layers)
        rows.append({"backbone": name, "giga_multiply_adds": round(total / 1e9, 2), "weights": model.count_params()})
        keras.backend.clear_session()
    write("macs", rows)


if __name__ == "__main__":
    main()
