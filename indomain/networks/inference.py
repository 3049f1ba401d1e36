"""Forward passes in batches of few different sizes, since each size is traced and compiled once."""

from collections.abc import Callable

import keras
import numpy as np

BATCH = 64  # images per forward pass of `predict`
# Largest and smallest number of images per forward pass of `predict_arrays`: small batches are many times slower.
ARRAY_BATCH, SMALLEST = 256, 16


def predict(model: keras.Model, images: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """The outputs of `model` for the images of some pool rows, float32 (len(rows), ...).

    Args:
        model: takes images 0–255, (n, rows, columns, channels), or features.
        images: returns the uint8 images, or the features, for an array of pool rows.
        rows: int (n,), at least one.
    """
    parts = []
    for begin in range(0, len(rows), BATCH):
        chosen = rows[begin : begin + BATCH]
        # The last batch is padded: a batch of another size would be traced and compiled again.
        full = np.concatenate([chosen, np.repeat(chosen[:1], BATCH - len(chosen))])
        batch = images(full).astype(np.float32)
        parts.append(np.asarray(model.predict_on_batch(batch), np.float32)[: len(chosen)])
    return np.concatenate(parts)


def predict_arrays(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """The outputs of `model` for images in memory, float32 (len(images), ...).

    Args:
        model: takes images 0–255; it has one output.
        images: (n, rows, columns, channels), 0–255; at least one.
    """
    return predict_parts(model, images)[0]


def predict_parts(model: keras.Model, images: np.ndarray) -> list[np.ndarray]:
    """As `predict_arrays`, for a model of one output or several: each of them, float32 (len(images), ...).

    Args:
        model: takes images 0–255.
        images: (n, rows, columns, channels), 0–255; at least one.
    """
    parts: list[list[np.ndarray]] = []
    for begin in range(0, len(images), ARRAY_BATCH):
        batch = np.asarray(images[begin : begin + ARRAY_BATCH], np.float32)
        # Padded to a power of two only: the last 44 of 300 images should not cost as much as 256.
        size = max(SMALLEST, 1 << (len(batch) - 1).bit_length())
        full = np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), np.float32)])
        found = model.predict_on_batch(full)
        outputs = found if isinstance(found, list | tuple) else [found]
        parts.append([np.asarray(output, np.float32)[: len(batch)] for output in outputs])
    return [np.concatenate(of_output) for of_output in zip(*parts)]
