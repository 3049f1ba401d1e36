"""The networks of CycleGAN (Zhu et al. 2017, arXiv:1703.10593, appendix 7.2), with a mask for what is changed.

A translator halves the maps twice, passes them through residual blocks and enlarges them again, with instance normalisation.
Beside the image it draws a mask a of 0 … 1, and gives a · G(x) + (1 − a) · x (Alami Mejjati et al. 2018, arXiv:1806.02311): what
lies outside the mask stays as it is. A discriminator says of each patch whether it is real.
"""

from typing import Any

import keras
from keras import layers

HALVINGS = 2  # of a translator's maps


def translator(shape: tuple[int, int, int], width: int, blocks: int, masked: bool, name: str) -> keras.Model:
    """From an image of −1 … 1 to an image of −1 … 1 and the mask, (rows, columns, 1).

    Args:
        shape: (rows, columns, channels) of the images.
        width: filters of the largest maps.
        blocks: number of residual blocks.
        masked: whether there is a mask; else it is 1 everywhere.
        name: prefix of the layers' names.
    """

    def conv(x: Any, filters: int, size: int, part: str, strides: int = 1, active: bool = True) -> Any:
        x = layers.Conv2D(filters, size, strides, padding="same", use_bias=False, name=f"{name}_{part}")(x)
        x = layers.GroupNormalization(groups=-1, axis=-1, name=f"{name}_{part}_norm")(x)
        return layers.ReLU(name=f"{name}_{part}_relu")(x) if active else x

    image = layers.Input(shape, name=f"{name}_image")
    x = conv(image, width, 7, "first")
    for number in range(HALVINGS):
        width *= 2
        x = conv(x, width, 3, f"down{number}", strides=2)
    for number in range(blocks):
        inner = conv(x, width, 3, f"block{number}_a")
        inner = conv(inner, width, 3, f"block{number}_b", active=False)
        x = layers.Add(name=f"{name}_block{number}")([x, inner])
    for number in range(HALVINGS):
        width //= 2
        # Enlarged, then convolved: a transposed convolution leaves the pattern of a chessboard.
        x = layers.UpSampling2D(name=f"{name}_larger{number}")(x)
        x = conv(x, width, 3, f"up{number}")
    drawn = layers.Conv2D(shape[2], 7, padding="same", activation="tanh", name=f"{name}_drawn", dtype="float32")(x)
    mask = layers.Conv2D(1, 7, padding="same", activation="sigmoid", name=f"{name}_mask", dtype="float32")(x)
    if not masked:
        mask = layers.Rescaling(0.0, offset=1.0, name=f"{name}_everywhere", dtype="float32")(mask)
    kept = layers.Subtract(name=f"{name}_change", dtype="float32")([drawn, image])
    kept = layers.Multiply(name=f"{name}_masked", dtype="float32")([kept, mask])
    out = layers.Add(name=f"{name}_out", dtype="float32")([image, kept])
    return keras.Model(image, [out, mask], name=name)


def patch_discriminator(shape: tuple[int, int, int], width: int, name: str) -> keras.Model:
    """From an image of −1 … 1 to a map of numbers, near 1 where a patch looks real, near 0 where it does not.

    Args:
        shape: (rows, columns, channels) of the images.
        width: filters of the first maps.
        name: prefix of the layers' names.
    """
    image = layers.Input(shape, name=f"{name}_image")
    x = image
    for number in range(3):
        x = layers.Conv2D(width * 2**number, 4, 2, padding="same", name=f"{name}_down{number}")(x)
        if number:
            x = layers.GroupNormalization(groups=-1, axis=-1, name=f"{name}_norm{number}")(x)
        x = layers.LeakyReLU(0.2, name=f"{name}_relu{number}")(x)
    return keras.Model(image, layers.Conv2D(1, 4, padding="same", name=f"{name}_real", dtype="float32")(x), name=name)
