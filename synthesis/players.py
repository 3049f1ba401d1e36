"""Generators and discriminators: the networks of DCGAN (Radford et al. 2016), in the sizes of Frid-Adar et al. 2018.

The generator doubles maps of 4 × 4 pixels until they have the size of the images, by transposed convolutions of 5 × 5, with batch
normalisation and ReLU; the discriminator halves them by convolutions of 5 × 5 with strides, with leaky ReLU of 0.2 and batch
normalisation in all but the first. Images have values of −1 … 1 in them.
"""

from typing import Any

import keras
from keras import layers

SMALLEST = 4  # pixels of the generator's first maps
# Of the generator's batch normalisation: images are made with its moving averages, which have to keep up with the players.
MOMENTUM = 0.9


def generator(shape: tuple[int, int, int], noise: int, width: int, classes: int = 0, name: str = "g") -> keras.Model:
    """From noise, and a class if there are several, to an image of −1 … 1.

    Args:
        shape: (rows, columns, channels) of the images; the side is a power of two.
        noise: numbers that an image is made from.
        width: filters of the smallest maps.
        classes: number of classes that it is told; 0: none.
        name: prefix of the layers' names.
    """
    z = layers.Input((noise,), name=f"{name}_noise")
    inputs: list[Any] = [z]
    x = z
    if classes:
        label = layers.Input((), dtype="int32", name=f"{name}_class")
        inputs.append(label)
        x = layers.Multiply(name=f"{name}_of_class")(
            [z, layers.Embedding(classes, noise, name=f"{name}_embedding")(label)]
        )
    x = layers.Dense(SMALLEST * SMALLEST * width, use_bias=False, name=f"{name}_dense")(x)
    x = layers.Reshape((SMALLEST, SMALLEST, width), name=f"{name}_maps")(x)
    x = layers.ReLU(name=f"{name}_relu0")(layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm0")(x))
    side, number, filters = SMALLEST, 0, width
    while side < shape[0]:
        side, number, filters = 2 * side, number + 1, max(filters // 2, 8)
        last = side == shape[0]
        x = layers.Conv2DTranspose(
            shape[2] if last else filters, 5, strides=2, padding="same", use_bias=last, name=f"{name}_up{number}"
        )(x)
        if not last:
            x = layers.ReLU(name=f"{name}_relu{number}")(
                layers.BatchNormalization(momentum=MOMENTUM, name=f"{name}_norm{number}")(x)
            )
    x = layers.Activation("tanh", dtype="float32", name=f"{name}_image")(x)
    # A list of one input would be warned of at every call with an array.
    return keras.Model(inputs if classes else z, x, name=name)


def discriminator(
    shape: tuple[int, int, int], width: int, spectral: bool, classes: int = 0, name: str = "d"
) -> keras.Model:
    """From an image of −1 … 1 to a logit, above 0 for a real one, and the logits of the classes where it tells them.

    Args:
        shape: (rows, columns, channels) of the images.
        width: filters of the smallest maps.
        spectral: whether each kernel is kept at a spectral norm of 1, in the place of batch normalisation.
        classes: number of classes to tell; 0: none.
        name: prefix of the layers' names.
    """

    def kept(layer: Any) -> Any:
        return layers.SpectralNormalization(layer, name=f"{layer.name}_sn") if spectral else layer

    image = layers.Input(shape, name=f"{name}_image")
    x, number, side = image, 0, shape[0]
    filters = max(width * SMALLEST // shape[0] * 2, 8)
    while side > SMALLEST:
        side //= 2
        x = kept(layers.Conv2D(filters, 5, strides=2, padding="same", name=f"{name}_down{number}"))(x)
        if number and not spectral:
            x = layers.BatchNormalization(name=f"{name}_norm{number}")(x)
        x = layers.LeakyReLU(0.2, name=f"{name}_relu{number}")(x)
        number, filters = number + 1, filters * 2
    x = layers.Flatten(name=f"{name}_flat")(x)
    outputs = [kept(layers.Dense(1, dtype="float32", name=f"{name}_real"))(x)]
    if classes:
        outputs.append(kept(layers.Dense(classes, dtype="float32", name=f"{name}_classes"))(x))
    return keras.Model(image, outputs if classes else outputs[0], name=name)
