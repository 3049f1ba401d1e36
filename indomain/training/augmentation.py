"""Augmentations: Keras layers that run inside the training step. The same seed gives the same images."""

from typing import Any

import keras

from indomain.training.elastic import Elastic
from indomain.training.registry import augmentation


def none(seed: int) -> list[keras.layers.Layer]:
    """No augmentation."""
    return []


def basic(seed: int) -> list[keras.layers.Layer]:
    """Left–right flip, rotation to ±18°, shift to ±8 %, scale to ±10 %, noise of 2 % of the value range."""
    return [
        keras.layers.RandomFlip("horizontal", seed=seed),
        keras.layers.RandomRotation(0.05, fill_mode="nearest", seed=seed + 1),
        keras.layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=seed + 2),
        keras.layers.RandomZoom(0.1, fill_mode="nearest", seed=seed + 3),
        *_in_unit_range(keras.layers.GaussianNoise(0.02, seed=seed + 4)),
    ]


def elastic(seed: int) -> list[keras.layers.Layer]:
    """`basic` after a smooth random deformation of up to about 6 % of the side (after Simard et al. 2003, ICDAR)."""
    return [Elastic(seed=seed + 10), *basic(seed)]


def colour(seed: int) -> list[keras.layers.Layer]:
    """`basic` with brightness, contrast, saturation and hue, which vary between stains and cameras.

    After Tellez et al. 2019, Medical Image Analysis 58. Hue varies by ±4 % of the circle only: more would turn eosin
    into haematoxylin.
    """
    return [
        *basic(seed),
        # In 0–1, because keras.layers.RandomSaturation clips saturations, which are 0–1, to the range of pixel values.
        *_in_unit_range(
            keras.layers.RandomBrightness(0.15, value_range=(0, 1), seed=seed + 5),
            keras.layers.RandomContrast(0.2, value_range=(0, 1), seed=seed + 6),
            keras.layers.RandomSaturation((0.4, 0.6), value_range=(0, 1), seed=seed + 7),
            keras.layers.RandomHue(0.08, value_range=(0, 1), seed=seed + 8),
        ),
    ]


def contrastive(seed: int) -> list[keras.layers.Layer]:
    """The strong views of SimCLR: zoomed crop, flip, brightness and contrast.

    After Chen et al. 2020 (arXiv:2002.05709, section 3), without the paper's hue and blur: radiographs have no hue, and
    at 64 pixels a blur removes the subject.
    """
    return [
        keras.layers.RandomFlip("horizontal", seed=seed),
        keras.layers.RandomRotation(0.06, fill_mode="nearest", seed=seed + 1),
        keras.layers.RandomTranslation(0.15, 0.15, fill_mode="nearest", seed=seed + 2),
        keras.layers.RandomZoom((-0.45, 0.1), fill_mode="nearest", seed=seed + 3),
        keras.layers.RandomBrightness(0.3, value_range=(0, 255), seed=seed + 4),
        keras.layers.RandomContrast(0.4, value_range=(0, 255), seed=seed + 5),
    ]


def apply(layers: list[keras.layers.Layer], images: Any, training: bool | None) -> Any:
    """Augments a batch of images; returns float32 of the same shape.

    Args:
        layers: as `layers_of` returns them.
        images: (n, rows, columns, channels), 0–255, of any type.
        training: whether to augment; otherwise the random layers do nothing.
    """
    images = keras.ops.cast(images, "float32")
    for layer in layers:
        images = layer(images, training=training)
    return images


def layers_of(name: str, seed: int = 1) -> list[keras.layers.Layer]:
    """The layers of an augmentation.

    Args:
        name: a key of `indomain.training.registry.AUGMENTATIONS`.
        seed: each random layer's seed is derived from it.

    Raises:
        RequestError: the name is unknown.
    """
    return augmentation(name)(seed)


def _in_unit_range(*layers: keras.layers.Layer) -> list[keras.layers.Layer]:
    """Layers that expect values of 0–1, between two layers that rescale from and to 0–255."""
    return [keras.layers.Rescaling(1 / 255), *layers, keras.layers.Rescaling(255.0)]
