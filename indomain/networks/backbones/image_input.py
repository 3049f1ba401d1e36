"""What all backbones share: images, 0–255, resized to a given size if there is one; and the scaling of published weights."""

import keras

from indomain.networks.backbones.scaling import Scaling


def image(shape: tuple[int, int, int], size: int | None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input layer, and the tensor that the network continues from.

    Args:
        shape: (rows, columns, channels) of the images.
        size: side in pixels of the square that the images are resized to (bicubic, antialiased); None: no resizing.
    """
    inputs = keras.layers.Input(shape, name="image")
    if size is None or shape[:2] == (size, size):
        return inputs, inputs
    resized = keras.layers.Resizing(
        size, size, interpolation="bicubic", antialias=True, dtype="float32", name="to_own_size"
    )(inputs)
    # Next to edges a cubic overshoots what an image can hold.
    return inputs, keras.layers.ReLU(255.0, dtype="float32", name="within_range")(resized)


def rgb(x: keras.KerasTensor) -> keras.KerasTensor:
    """Images with three channels: a grey one is repeated, since published weights expect three.

    Args:
        x: images of 1 or 3 channels.
    """
    return x if x.shape[-1] == 3 else keras.layers.Concatenate(name="grey_to_rgb")([x, x, x])


def scaled(x: keras.KerasTensor, scaling: Scaling) -> keras.KerasTensor:
    """Images brought to the values that published weights expect.

    Args:
        x: RGB, 0–255.
        scaling: what they expect.
    """
    if scaling.order == "bgr":
        x = keras.ops.flip(x, axis=-1)
    scale = [1 / deviation for deviation in scaling.deviation]
    offset = [-mean / deviation for mean, deviation in zip(scaling.mean, scaling.deviation)]
    return keras.layers.Rescaling(scale, offset=offset, name="scaling")(x)
