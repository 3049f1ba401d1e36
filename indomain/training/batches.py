"""Examples, and batches of them in an order that a resumed run sees again."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from indomain import backend


@dataclass(frozen=True)
class Examples:
    """Images with the rows of a split table that a run uses.

    Attributes:
        images: gives uint8 images (n, rows, columns, channels), or features, for rows of a pool.
        table: `row`, `y` and `split` of each; train learns, val (if any) chooses the epoch.
    """

    images: Callable[[np.ndarray], np.ndarray]
    table: pd.DataFrame

    def part(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Rows and class numbers, int (n,) each, of one part of the split."""
        part = self.table[self.table["split"] == split]
        return part["row"].to_numpy(), part["y"].to_numpy()


class Batches(keras.utils.PyDataset):
    """Shuffled batches of rows; the order depends on seed and epoch alone, so that a resumed run sees the same."""

    def __init__(
        self,
        images: Callable[[np.ndarray], np.ndarray],
        rows: np.ndarray,
        y: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        batch: int = 32,
        seed: int | None = None,
    ) -> None:
        """
        Args:
            images: gives uint8 images (n, rows, columns, channels), or features, for rows of a pool.
            rows: int (n,), the rows to learn from.
            y: int (n,), class numbers; None for learning without labels.
            weights: float (n,), one weight per row; None: 1 each.
            batch: images per batch.
            seed: of the order; None keeps the order of `rows`.
        """
        super().__init__(workers=1, use_multiprocessing=False)
        self._images, self._rows, self.y, self.weights = images, rows, y, weights
        # Devices that share a batch get equal parts: Keras wants that of the first, and none may get nothing.
        self._sharers = backend.sharers()
        self._batch = min(batch, len(rows))
        if y is None:
            self._batch = max(self._batch // self._sharers, 1) * self._sharers
        self._seed = seed
        self.epoch = 0

    def give(self, y: np.ndarray, weights: np.ndarray) -> None:
        """Other classes and weights for the same images, from the next batch on."""
        self.y, self.weights = y, weights

    @property
    def images(self) -> int:
        """How many images an epoch has."""
        return len(self._rows)

    def __len__(self) -> int:
        # Without labels a short last batch would have fewer negatives: it is left out.
        return len(self._rows) // self._batch if self.y is None else -(-len(self._rows) // self._batch)

    def __getitem__(self, number: int) -> tuple:
        order = self._order()[number * self._batch : (number + 1) * self._batch]
        if self.y is None:
            return (self._images(self._rows[order]),)
        weights = np.ones(len(order)) if self.weights is None else self.weights[order]
        # What fills a batch up has no weight; the others' is raised so that the mean over all is the mean over them.
        filled = np.resize(order, -(-len(order) // self._sharers) * self._sharers)
        weights = np.pad(weights * (len(filled) / len(order)), (0, len(filled) - len(order)))
        return self._images(self._rows[filled]), self.y[filled], weights.astype(np.float32)

    def _order(self) -> np.ndarray:
        if self._seed is None:
            return np.arange(len(self._rows))
        if getattr(self, "_ordered_epoch", None) != self.epoch:
            self._shuffled = np.random.default_rng([self._seed, self.epoch]).permutation(len(self._rows))
            self._ordered_epoch = self.epoch
        return self._shuffled
