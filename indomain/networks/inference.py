"""Forward passes in batches of few sizes, each of which is traced once."""

from collections.abc import Callable

import keras
import numpy as np

BATCH = 64  # images per forward pass by rows
ARRAY_BATCH, SMALLEST = 256, 16  # images per forward pass of arrays: `predict` with small batches is many times slower


def predict(model: keras.Model, images: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """`model`'s outputs for the images of `rows`, float32 (len(rows), ...).

    Args:
        model: takes images 0–255.
        images: gives uint8 images, or features, for rows of a pool.
        rows: int (n,).
    """
    parts = []
    for begin in range(0, len(rows), BATCH):
        chosen = rows[begin : begin + BATCH]
        # The last batch is filled up: another shape would be traced and compiled anew.
        full = np.concatenate([chosen, np.repeat(chosen[:1], BATCH - len(chosen))])
        batch = images(full).astype(np.float32)
        parts.append(np.asarray(model.predict_on_batch(batch), np.float32)[: len(chosen)])
    return np.concatenate(parts)


def predict_arrays(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """`model`'s outputs for images in memory, float32 (len(images), ...).

    Args:
        model: takes images 0–255.
        images: (n, rows, columns, channels), 0–255.
    """
    parts = []
    for begin in range(0, len(images), ARRAY_BATCH):
        batch = np.asarray(images[begin : begin + ARRAY_BATCH], np.float32)
        # A power of two: the rest of 300 images would cost as much as 256.
        size = max(SMALLEST, 1 << (len(batch) - 1).bit_length())
        full = np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), np.float32)])
        parts.append(np.asarray(model.predict_on_batch(full), np.float32)[: len(batch)])
    return np.concatenate(parts)
