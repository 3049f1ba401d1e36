"""VGG-M (Chatfield et al. 2014, arXiv:1405.3531), the network of Menegola et al. 2017; no weights come with it.

Constants of the normalisation after the code of Menegola et al. (learningtitans/melanoma-transfer): α 1e-4, k 2, β 0.75, over
five channels. Their weights after ImageNet are files for other programs, which nothing here reads.
"""

import keras

from indomain.networks.backbones import image_input

RGB_MEAN = (123.7, 116.8, 103.9)


def vgg_m(shape: tuple[int, int, int], size: int | None = None) -> keras.Model:
    """Five convolutions and two dense layers; output: the 4096 features of `fc7`.

    For 224×224 images the maps are 109, 54, 26, 13 and 6 pixels wide, and `pool` flattens the last ones. The smallest side is
    51 pixels.

    Args:
        shape: (rows, columns, channels); a grey channel is repeated three times inside.
        size: as for `indomain.networks.backbones.build`.
    """
    inputs, x = image_input.image(shape, size)
    x = image_input.rgb(x)
    x = keras.layers.Rescaling(1.0, offset=[-mean for mean in RGB_MEAN], name="subtract_mean")(x)
    x = _conv(x, 96, 7, "conv1", strides=2)
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool1")(_normalised(x))
    x = _conv(keras.layers.ZeroPadding2D(1, name="pad2")(x), 256, 5, "conv2", strides=2)
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="pool2")(_normalised(x))
    for name in ("conv3", "conv4", "conv5"):
        x = _conv(x, 512, 3, name, padding="same")
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool5")(x)
    x = keras.layers.Flatten(name="pool")(x)
    x = keras.layers.Dense(4096, activation="relu", name="fc6")(x)
    x = keras.layers.Dropout(0.5, seed=6, name="fc6_dropout")(x)
    return keras.Model(inputs, keras.layers.Dense(4096, activation="relu", name="fc7")(x), name="vgg_m")


def _conv(x: keras.KerasTensor, filters: int, kernel: int, name: str, **how) -> keras.KerasTensor:
    return keras.layers.Conv2D(filters, kernel, activation="relu", name=name, **how)(x)


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    """Local response normalisation (Krizhevsky et al. 2012), which Keras has no layer for."""
    # Of the maps a_c, with c the channel:
    #     b_c = a_c / (k + α Σ_{|d - c| ≤ 2} a_d²)^β
    channels = x.shape[-1]
    squares = keras.ops.pad(keras.ops.square(x), [[0, 0], [0, 0], [0, 0], [2, 2]])
    total = sum(squares[..., first : first + channels] for first in range(5))
    return x / keras.ops.power(2.0 + 1e-4 * total, 0.75)
