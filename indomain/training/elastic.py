"""Elastic deformation as a Keras layer: each picture of a batch is bent in its own way.

keras.layers.RandomElasticTransform is not used: it draws the shifts along rows and along columns from one seed, so that
both are equal and pictures are only ever pulled along a diagonal, and under `fit`, where the length of a batch is not
known when the step is traced, every picture of a batch gets the same shifts.
"""

from typing import Any

import keras
from keras import ops


class Elastic(keras.layers.Layer):
    """Shifts of random size at a few control points, smooth in between, bilinear sampling; only while training.

    Args:
        strength: standard deviation of the shifts at the control points, as a share of the side.
        points: control points along each side.
    """

    def __init__(self, strength: float = 0.03, points: int = 5, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strength, self.points, self.seed = strength, points, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, images: Any, training: bool | None = None) -> Any:
        """(N, rows, columns, channels) as they came, bent if `training`."""
        if not training:
            return images
        rows, columns = images.shape[1:3]
        count = ops.shape(images)[0]
        drawn = keras.random.normal((count, self.points, self.points, 2), seed=self.seed_generator)
        smooth = ops.image.resize(drawn, (rows, columns), interpolation="bicubic")
        # Places are float32 whatever the precision of the rest: 16 bits cannot tell pixel 300 from its neighbour.
        shifts = ops.cast(smooth, "float32") * self.strength * ops.convert_to_tensor([rows, columns], "float32")
        place = ops.stack(ops.meshgrid(ops.arange(rows), ops.arange(columns), indexing="ij"), axis=-1)
        return sampled(images, ops.cast(place, "float32") + shifts)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strength": self.strength, "points": self.points, "seed": self.seed}


def sampled(images: Any, places: Any) -> Any:
    """Bilinear values of `images` (N, rows, columns, channels) at `places` (N, rows, columns, 2: row and column).

    Places outside take the value of the nearest edge.
    """
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
