"""Forward passes in batches."""

from collections.abc import Callable

import keras
import numpy as np

BATCH = 64  # images a forward pass


def predict(model: keras.Model, pictures: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """`model`'s outputs, float32, for the images of `rows`, a batch at a time.

    Args:
        pictures: gives uint8 images for places in a prepared set.
    """
    parts = []
    for begin in range(0, len(rows), BATCH):
        chosen = rows[begin : begin + BATCH]
        # The last batch is filled up: another shape would be traced and compiled anew.
        full = np.concatenate([chosen, np.repeat(chosen[:1], BATCH - len(chosen))])
        batch = pictures(full).astype(np.float32)
        parts.append(np.asarray(model.predict_on_batch(batch), np.float32)[: len(chosen)])
    return np.concatenate(parts)
