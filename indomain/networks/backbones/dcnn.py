"""The six-block DCNN of Alzubaidi et al. 2021 and its two-block sibling, after the authors' published layer graphs.

Each `cbr` is a convolution, batch normalisation and ReLU. Each block applies kernels of size 1, 3, 5 and 7 to the same
input, concatenates the results with earlier maps (the papers' "residual connections" are concatenations) and normalises
once more.

Sources: Cancers 13(7):1590 and the authors' MATLAB layer graphs; for the light sibling PeerJ CS 7:e715, DFUmodel224.
Difference: MATLAB subtracts the training set's mean image; here a fixed 127.5 is subtracted, so that a network can be
transferred to another set. The batch normalisation after the first convolution absorbs any such shift, except at the
zero-padded border.
"""

import keras

from indomain.networks.backbones import image_input


def dcnn(shape: tuple[int, int, int], width: float = 1.0, size: int | None = None) -> keras.Model:
    """Six blocks, 32 convolutions; 73,591,380 trainable weights with a 4-class head.

    For 224×224 images the maps are 112, 112, 56, 56, 28, 28 and 14 pixels wide; the blocks have 160, 256, 512, 544,
    1600 and 1664 channels. Output: the 1200 features of `fc1`, which has no activation.

    Args:
        shape: (rows, columns, channels).
        width: factor on the number of filters of every layer; 1 is the paper's network.
        size: as for `indomain.networks.backbones.build`.
    """
    filters = _scaled(width)
    inputs, stem = _stem(shape, filters, size)
    block1 = _block(stem, filters(32), 1, "block1", [stem])
    block2 = _block(block1, filters(64), 2, "block2")
    block3 = _block(block2, filters(64), 1, "block3", [block2])
    skip4 = _cbr(block2, 3, filters(32), 2, "block4_skip2")
    block4 = _block(block3, filters(128), 2, "block4", [skip4])
    skip5 = _cbr(block1, 3, filters(32), 4, "block5_skip1")
    block5 = _block(block4, filters(256), 1, "block5", [block4, skip5])
    skips = [
        _cbr(stem, 3, filters(32), 8, "block6_skip0"),
        _cbr(block1, 3, filters(32), 8, "block6_skip1"),
        _cbr(block2, 3, filters(32), 4, "block6_skip2"),
        _cbr(block4, 3, filters(32), 2, "block6_skip4"),
    ]
    block6 = _block(block5, filters(384), 2, "block6", skips)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(block6)
    features = keras.layers.Dense(filters(1200), name="fc1")(pool)
    return keras.Model(inputs, features, name="dcnn")


def dcnn_light(shape: tuple[int, int, int], width: float = 1.0, size: int | None = None) -> keras.Model:
    """Two blocks; output: the 200 features of `fc1`.

    Args:
        shape: (rows, columns, channels).
        width: as for `dcnn`.
        size: as for `indomain.networks.backbones.build`.
    """
    filters = _scaled(width)
    inputs, stem = _stem(shape, filters, size)
    block1 = _block(stem, filters(32), 1, "block1", [stem])
    skip2 = _cbr(stem, 3, filters(32), 2, "block2_skip0")
    block2 = _block(block1, filters(64), 2, "block2", [skip2])
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(block2)
    features = keras.layers.Dense(filters(200), name="fc1")(pool)
    return keras.Model(inputs, features, name="dcnn_light")


def _scaled(width: float):
    return lambda number: max(1, round(number * width))


def _stem(shape: tuple[int, int, int], filters, size: int | None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    inputs, x = image_input.image(shape, size)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="centre")(x)
    x = _cbr(x, 3, filters(32), 1, "stem1")
    return inputs, _cbr(x, 5, filters(32), 2, "stem2")


def _cbr(x: keras.KerasTensor, kernel: int, filters: int, stride: int, name: str) -> keras.KerasTensor:
    x = keras.layers.Conv2D(filters, kernel, strides=stride, padding="same", name=f"{name}_conv")(x)
    # MATLAB's epsilon. MATLAB has no counterpart to Keras' momentum, whose default of 0.99 averages over too many steps
    # for the few hundred steps that training on a small target takes.
    x = keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _block(x: keras.KerasTensor, filters: int, stride: int, name: str, skips: list | None = None) -> keras.KerasTensor:
    branches = [_cbr(x, kernel, filters, stride, f"{name}_k{kernel}") for kernel in (1, 3, 5, 7)]
    x = keras.layers.Concatenate(name=f"{name}_concat")([*branches, *(skips or [])])
    return keras.layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(x)
