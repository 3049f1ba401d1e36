"""Elastic deformation as a Keras layer: each image of a batch is deformed differently.

keras.layers.RandomElasticTransform is not used, for two reasons. It draws the shifts along rows and along columns from
one seed, so that both are equal and images are only ever pulled along a diagonal. And under `fit`, where the batch size
is unknown when the step is traced, every image of a batch gets the same shifts.
"""

from typing import Any

import keras
from keras import ops


class Elastic(keras.layers.Layer):
    """Random shifts at a few control points, interpolated smoothly between them; active only while training.

    Args:
        strength: standard deviation of the shifts at the control points, as a share of the side.
        points: number of control points along each side.
        seed: seed of the shifts; None: a random one.
        **kwargs: for keras.layers.Layer.
    """

    def __init__(self, strength: float = 0.03, points: int = 5, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strength, self.points, self.seed = strength, points, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The images, deformed if `training`.

        Args:
            images: float (n, rows, columns, channels).
            training: whether to deform them.
        """
        if not training:
            return images
        rows, columns = images.shape[1:3]
        count = ops.shape(images)[0]
        noise = keras.random.normal((count, self.points, self.points, 2), seed=self.seed_generator)
        smooth = ops.image.resize(noise, (rows, columns), interpolation="bicubic")
        # Positions are float32 whatever the precision of the rest: bfloat16 cannot tell pixel 300 from pixel 301.
        shifts = ops.cast(smooth, "float32") * self.strength * ops.convert_to_tensor([rows, columns], "float32")
        grid = ops.stack(ops.meshgrid(ops.arange(rows), ops.arange(columns), indexing="ij"), axis=-1)
        return sampled(images, ops.cast(grid, "float32") + shifts)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """The output has the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, for saving the layer."""
        return {**super().get_config(), "strength": self.strength, "points": self.points, "seed": self.seed}


def sampled(images: Any, places: Any) -> Any:
    """Samples images at fractional positions by bilinear interpolation.

    Args:
        images: float (n, rows, columns, channels).
        places: float32 (n, rows, columns, 2), row and column of each position in pixels; positions outside the image
            take the value of the nearest edge.

    Returns:
        The sampled values, of the images' shape.
    """
    # A position (r, c) lies between rows r0 = floor(r) and r0 + 1 and columns c0 = floor(c) and c0 + 1. With the
    # fractions d = r - r0 (down) and e = c - c0 (right), linear interpolation along the columns gives
    #     above = (1 - e) · I[r0, c0]     + e · I[r0, c0 + 1]
    #     below = (1 - e) · I[r0 + 1, c0] + e · I[r0 + 1, c0 + 1]
    # and along the rows the value (1 - d) · above + d · below.
    count, (rows, columns, channels) = ops.shape(images)[0], images.shape[1:]
    last = ops.convert_to_tensor([rows - 1.0, columns - 1.0], "float32")
    places = ops.clip(places, 0.0, last)
    low = ops.floor(places)
    share = ops.cast(places - low, images.dtype)
    low = ops.cast(low, "int32")
    high = ops.minimum(low + 1, ops.cast(last, "int32"))
    flat = ops.reshape(images, (-1, channels))
    first = ops.reshape(ops.arange(count) * (rows * columns), (-1, 1, 1))

    def at(row: Any, column: Any) -> Any:
        return ops.take(flat, first + row * columns + column, axis=0)

    down, right = share[..., 0:1], share[..., 1:2]
    above = at(low[..., 0], low[..., 1]) * (1 - right) + at(low[..., 0], high[..., 1]) * right
    below = at(high[..., 0], low[..., 1]) * (1 - right) + at(high[..., 0], high[..., 1]) * right
    return above * (1 - down) + below * down
