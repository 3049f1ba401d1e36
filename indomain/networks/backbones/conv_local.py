"""A network with locally connected layers, as Cha et al. 2017 describe theirs: our reading.

Two convolutions, two locally connected layers, then the classes (Wu et al. 2019, doi:10.18383/j.tom.2018.00036, from the same
group). Neither names filters nor sizes; those of Krizhevsky's CIFAR-10 network of this layout are used, and the pooling after the
last convolution keeps the maps for explanations.
"""

import keras

from indomain.networks.backbones import image_input


def conv_local(shape: tuple[int, int, int], size: int | None = None) -> keras.Model:
    """Two convolutions and two locally connected layers; output: the maps of the last one, flattened by `pool`.

    Args:
        shape: (rows, columns, channels); Krizhevsky's images have 32×32 pixels.
        size: as for `indomain.networks.backbones.build`.
    """
    inputs, x = image_input.image(shape, size)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="centre")(x)
    for number in (1, 2):
        x = keras.layers.Conv2D(64, 5, padding="same", activation="relu", name=f"conv{number}")(x)
        x = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"pool{number}")(x)
    x = _local(x, 64, "local3")
    x = _local(x, 32, "local4")
    return keras.Model(inputs, keras.layers.Flatten(name="pool")(x), name="conv_local")


def _local(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """A locally connected layer of 3×3: a convolution whose kernel differs from position to position."""
    rows, columns = x.shape[1:3]
    patches = keras.ops.image.extract_patches(x, (3, 3), strides=1, padding="same")
    # Keras 3 has no such layer: with p the values of a patch and f the filters, y[h, w, f] = Σ_p x[h, w, p] K[h, w, p, f].
    return keras.layers.EinsumDense(
        "nhwp,hwpf->nhwf", (rows, columns, filters), activation="relu", bias_axes="hwf", name=name
    )(patches)
