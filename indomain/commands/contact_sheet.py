"""A contact sheet: shows what an augmentation does to the images of a data set, for a check before it is used."""

from pathlib import Path

import keras
import numpy as np

from indomain import files
from indomain.data.dataset import Dataset
from indomain.data.images.sheets import sheet
from indomain.training import augmentation, registry

LINES, TIMES = 8, 7  # images, augmented versions of each


def write(dataset: Dataset, name: str, seed: int, path: Path) -> None:
    """Writes a PNG with one line per image: the image unchanged, then augmented seven times.

    Args:
        dataset: the images; eight are chosen at random, or all if there are fewer.
        name: an augmentation, a key of `indomain.training.registry.AUGMENTATIONS`.
        seed: seed of the choice of images and of the augmentation.
        path: the file.

    Raises:
        RequestError: the augmentation is unknown, or cannot work on these images.
    """
    channels = dataset.pool.channels
    registry.check(name, channels, dataset.name)
    rows = dataset.index["row"].to_numpy()
    chosen = np.sort(np.random.default_rng(seed).choice(rows, min(LINES, len(rows)), replace=False))
    images = dataset.images(chosen, channels)
    keras.utils.set_random_seed(seed)
    layers = augmentation.layers_of(name, seed + 1)
    columns = [images]
    for _ in range(TIMES):
        augmented = keras.ops.convert_to_numpy(augmentation.apply(layers, images, training=True))
        columns.append(np.clip(np.round(augmented), 0, 255).astype(np.uint8))
    with files.written(path) as temporary:
        sheet(np.stack(columns, axis=1)).save(temporary, format="PNG")
