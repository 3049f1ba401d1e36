"""A contact sheet: what an augmentation does to the pictures of a data set, to be looked at before it is used."""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

from indomain import files
from indomain.data.dataset import Dataset
from indomain.training import augmentation

LINES, TIMES, GAP = 8, 7, 4


def write(dataset: Dataset, name: str, seed: int, path: Path) -> None:
    """Writes a PNG: a line for each of eight pictures, as it is and augmented seven times.

    Args:
        name: an augmentation; seed: which pictures are drawn, and how they are changed.
    """
    channels = dataset.pool.channels
    augmentation.check(name, channels, dataset.name)
    rows = dataset.index["row"].to_numpy()
    chosen = np.sort(np.random.default_rng(seed).choice(rows, min(LINES, len(rows)), replace=False))
    pictures = dataset.images(chosen, channels)
    keras.utils.set_random_seed(seed)
    layers = augmentation.layers_of(name, seed + 1)
    columns = [pictures]
    for _ in range(TIMES):
        changed = keras.ops.convert_to_numpy(augmentation.apply(layers, pictures, training=True))
        columns.append(np.clip(np.round(changed), 0, 255).astype(np.uint8))
    with files.written(path) as temporary:
        sheet(np.stack(columns, axis=1)).save(temporary, format="PNG")


def sheet(pictures: np.ndarray) -> Image.Image:
    """uint8 pictures (lines, columns, H, W, channels) side by side on white, a wider gap after the first column."""
    lines, columns, height, width, channels = pictures.shape
    whole = np.full((lines * (height + GAP) + GAP, columns * (width + GAP) + 3 * GAP, channels), 255, np.uint8)
    for line in range(lines):
        for column in range(columns):
            top, left = GAP + line * (height + GAP), GAP + column * (width + GAP) + (2 * GAP if column else 0)
            whole[top : top + height, left : left + width] = pictures[line, column]
    return Image.fromarray(whole[..., 0] if channels == 1 else whole)
