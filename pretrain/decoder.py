"""From a backbone's last feature maps back to a picture: the head of the objectives that reconstruct."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from indomain.training.model import TrainingModel


def with_decoder(backbone: keras.Model, width: int) -> keras.Model:
    """`backbone` without its pooling, then a decoder: image 0–255 to image 0–1, as one flat graph.

    Each step doubles the maps (bilinear, no checkerboard: Odena et al. 2016) and halves their filters, down to `width`.
    """
    rows, columns, channels = backbone.input_shape[1:]
    x = backbone.get_layer("pool").input
    sizes = [(rows, columns)]
    while sizes[0][0] > 2 * x.shape[1] or sizes[0][1] > 2 * x.shape[2]:
        sizes.insert(0, (-(-sizes[0][0] // 2), -(-sizes[0][1] // 2)))
    for number, size in enumerate(sizes):
        # Full size is reached by the last layer alone: a wide layer there would cost more than the backbone.
        filters = width * 2 ** min(len(sizes) - 1 - number, 2)
        if number < len(sizes) - 1:
            x = keras.layers.Conv2D(filters, 1 if number == 0 else 3, padding="same", name=f"decode{number}")(x)
            x = keras.layers.ReLU(name=f"decode{number}_relu")(x)
        x = keras.layers.Resizing(*size, name=f"decode{number}_size")(x)
    x = keras.layers.Conv2D(channels, 3, padding="same", dtype="float32", name="decoded")(x)
    return keras.Model(backbone.input, x, name=backbone.name)


class Reconstruction(TrainingModel):
    """Reconstructs images; `explained_variance` is the share of the images' variance that it gets right.

    0: no better than each image's mean colour; 1: to the pixel.
    """

    def __init__(
        self, network: keras.Model, augmentation: str, corrupt: keras.layers.Layer, loss_of: Callable[[Any], Any]
    ) -> None:
        """
        Args:
            corrupt: from images (N, rows, columns, channels), 0–255, to those that the network sees, and to where its answer
                counts: (N, rows, columns, 1), 0 or 1.
            loss_of: the loss of an error, value by value.
        """
        super().__init__(network, augmentation)
        self.corrupt, self.loss_of = corrupt, loss_of
        self.explained_variance = ExplainedVariance(name="explained_variance")

    def call(self, images: Any, training: bool | None = None) -> Any:
        clean = self.augmented(images, training)
        seen, counts = self.corrupt(clean)
        return {"made": self.network(seen, training=training), "clean": clean / 255.0, "counts": counts}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        clean, counts = y_pred["clean"], y_pred["counts"]
        error = (y_pred["made"] - clean) * counts
        self.explained_variance.add(error, (clean - ops.mean(clean, axis=(1, 2), keepdims=True)) * counts)
        values = ops.sum(counts) * clean.shape[-1]
        return ops.sum(self.loss_of(error)) / ops.maximum(values, 1.0)


class ExplainedVariance(keras.metrics.Metric):
    """1 − (squared error) / (squared deviation from each picture's mean), over an epoch."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = self.add_weight(name="error", initializer="zeros")
        self.deviation = self.add_weight(name="deviation", initializer="zeros")

    def add(self, error: Any, deviation: Any) -> None:
        self.error.assign_add(ops.sum(ops.square(error)))
        self.deviation.assign_add(ops.sum(ops.square(deviation)))

    def result(self) -> Any:
        return 1.0 - self.error / ops.maximum(self.deviation, 1e-6)
