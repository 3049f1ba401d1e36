"""Augmentation as a named choice: Keras layers that run inside the training step. Same seed, same pictures."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

AUGMENTATIONS = {
    "none": "indomain.augment:none",
    "basic": "indomain.augment:basic",
    "contrastive": "indomain.augment:contrastive",
}


def none(seed: int) -> list["keras.layers.Layer"]:
    """Pictures as they are."""
    return []


def basic(seed: int) -> list["keras.layers.Layer"]:
    """Left–right flip, rotation to ±18°, shift to ±8 %, scale to ±10 %."""
    import keras

    return [
        keras.layers.RandomFlip("horizontal", seed=seed),
        keras.layers.RandomRotation(0.05, fill_mode="nearest", seed=seed + 1),
        keras.layers.RandomTranslation(0.08, 0.08, fill_mode="nearest", seed=seed + 2),
        keras.layers.RandomZoom(0.1, fill_mode="nearest", seed=seed + 3),
    ]


def contrastive(seed: int) -> list["keras.layers.Layer"]:
    """The strong views of SimCLR (Chen et al. 2020, arXiv:2002.05709, section 3): zoomed crop, flip, brightness, contrast.

    Without the paper's hue and blur: radiographs have no hue, and at 64 pixels a blur removes the subject.
    """
    import keras

    return [
        keras.layers.RandomFlip("horizontal", seed=seed),
        keras.layers.RandomRotation(0.06, fill_mode="nearest", seed=seed + 1),
        keras.layers.RandomTranslation(0.15, 0.15, fill_mode="nearest", seed=seed + 2),
        keras.layers.RandomZoom((-0.45, 0.1), fill_mode="nearest", seed=seed + 3),
        keras.layers.RandomBrightness(0.3, value_range=(0, 255), seed=seed + 4),
        keras.layers.RandomContrast(0.4, value_range=(0, 255), seed=seed + 5),
    ]
