"""The texture network of Christodoulidis et al. 2017 (IEEE JBHI 21:76), after the authors' code for its predecessor.

That is Anthimopoulos et al. 2016 (IEEE TMI 35:1207), which the paper transfers. Difference: weights are drawn as everywhere in
this package, where the authors draw orthogonal convolutions and, for dense layers, after He et al. 2015.
"""

import keras

from indomain.networks.backbones import image_input

FILTERS = 16, 36, 64, 100, 144


def ild_cnn(shape: tuple[int, int, int], size: int | None = None) -> keras.Model:
    """Five convolutions of 2×2 without padding, an average over the whole map and two dense layers; output: 288 features.

    Args:
        shape: (rows, columns, channels); the authors' patches have 32×32 pixels.
        size: as for `indomain.networks.backbones.build`.
    """
    inputs, x = image_input.image(shape, size)
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="centre")(x)
    for number, filters in enumerate(FILTERS, 1):
        x = keras.layers.Conv2D(filters, 2, name=f"conv{number}")(x)
        x = keras.layers.LeakyReLU(0.3, name=f"conv{number}_leaky")(x)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    x = keras.layers.Dropout(0.5, seed=3, name="pool_dropout")(x)
    x = keras.layers.Dense(864, activation="relu", name="fc1")(x)
    x = keras.layers.Dropout(0.5, seed=4, name="fc1_dropout")(x)
    return keras.Model(inputs, keras.layers.Dense(288, activation="relu", name="fc2")(x), name="ild_cnn")
