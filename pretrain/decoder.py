"""From a backbone's last feature maps back to an image: the head of the objectives that reconstruct."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from indomain.training.model import TrainingModel


def with_decoder(backbone: keras.Model, width: int, channels: int | None = None) -> keras.Model:
    """`backbone` without its pooling, followed by a decoder, as one flat graph.

    Each level doubles the size of the maps, by bilinear resizing because transposed convolutions leave checkerboard
    patterns (Odena et al. 2016), and halves the number of filters, down to `width`.

    Args:
        backbone: images (n, rows, columns, channels), 0–255, to features; its last feature maps enter the layer `pool`.
        width: filters of the decoder's last hidden layers.
        channels: of the output; None: those of the images.

    Returns:
        A network from images 0–255 to values (n, rows, columns, channels), such as the images, 0 … 1.
    """
    rows, columns = backbone.input_shape[1:3]
    x = backbone.get_layer("pool").input
    sizes = [(rows, columns)]
    while sizes[0][0] > 2 * x.shape[1] or sizes[0][1] > 2 * x.shape[2]:
        sizes.insert(0, (-(-sizes[0][0] // 2), -(-sizes[0][1] // 2)))
    for number, size in enumerate(sizes):
        # Only the last layer runs at full size: a wide layer there would cost more than the backbone.
        filters = width * 2 ** min(len(sizes) - 1 - number, 2)
        if number < len(sizes) - 1:
            x = keras.layers.Conv2D(filters, 1 if number == 0 else 3, padding="same", name=f"decode{number}")(x)
            x = keras.layers.ReLU(name=f"decode{number}_relu")(x)
        x = keras.layers.Resizing(*size, name=f"decode{number}_size")(x)
    x = keras.layers.Conv2D(channels or backbone.input_shape[-1], 3, padding="same", dtype="float32", name="decoded")(x)
    return keras.Model(backbone.input, x, name=backbone.name)


class Reconstruction(TrainingModel):
    """Learns to reconstruct corrupted images.

    The metric `explained_variance` is the share of the images' variance that is reconstructed: 0 is no better than each
    image's mean colour, 1 is exact to the pixel.

    Args:
        network: a backbone with a decoder; see `with_decoder`.
        augmentation: a key of `indomain.training.augmentation.AUGMENTATIONS`.
        corrupt: a layer from images (n, rows, columns, channels), 0–255, to the images that the network sees and a mask
            (n, rows, columns, 1) of the pixels that count in the loss, 0 or 1.
        loss_of: from the error of each value, reconstruction minus original, to its loss.
    """

    def __init__(
        self, network: keras.Model, augmentation: str, corrupt: keras.layers.Layer, loss_of: Callable[[Any], Any]
    ) -> None:
        super().__init__(network, augmentation)
        self.corrupt, self.loss_of = corrupt, loss_of
        self.explained_variance = ExplainedVariance(name="explained_variance")

    def call(self, images: Any, training: bool | None = None) -> Any:
        """The reconstructions, 0 … 1, the originals, 0 … 1, and the mask of the pixels that count.

        Args:
            images: (n, rows, columns, channels), 0–255.
            training: whether they are augmented.
        """
        clean = self.augmented(images, training)
        seen, counts = self.corrupt(clean)
        return {"made": self.network(seen, training=training), "clean": clean / 255.0, "counts": counts}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The mean loss over the values that count; of Keras' arguments only `y_pred`, the output of `call`, is used."""
        # With the mask m, reconstruction r and original c, the values that count are Σ m times the channels, and
        #     loss = Σ loss_of((r - c) · m) / values
        # The metric's denominator is the deviation of c from each image's mean colour over the same pixels.
        clean, counts = y_pred["clean"], y_pred["counts"]
        error = (y_pred["made"] - clean) * counts
        self.explained_variance.add(error, (clean - ops.mean(clean, axis=(1, 2), keepdims=True)) * counts)
        values = ops.sum(counts) * clean.shape[-1]
        return ops.sum(self.loss_of(error)) / ops.maximum(values, 1.0)


class ExplainedVariance(keras.metrics.Metric):
    """1 − (squared error) / (squared deviation from each image's mean colour), over an epoch.

    Args:
        **kwargs: for keras.metrics.Metric.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = self.add_weight(name="error", initializer="zeros")
        self.deviation = self.add_weight(name="deviation", initializer="zeros")

    def add(self, error: Any, deviation: Any) -> None:
        """Adds a batch.

        Args:
            error: reconstruction minus original, value by value.
            deviation: original minus its image's mean colour, of the same shape.
        """
        self.error.assign_add(ops.sum(ops.square(error)))
        self.deviation.assign_add(ops.sum(ops.square(deviation)))

    def result(self) -> Any:
        """The explained variance so far, at most 1."""
        return 1.0 - self.error / ops.maximum(self.deviation, 1e-6)
