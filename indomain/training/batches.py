"""Batches of a prepared set, in an order that a resumed run sees again."""

from collections.abc import Callable

import keras
import numpy as np

from indomain import backend


class Batches(keras.utils.PyDataset):
    """Shuffled batches of rows; the order depends on seed and epoch alone, so that a resumed run sees the same."""

    def __init__(
        self,
        pictures: Callable[[np.ndarray], np.ndarray],
        rows: np.ndarray,
        y: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        batch: int = 32,
        seed: int | None = None,
    ) -> None:
        """
        Args:
            pictures: gives uint8 images (n, rows, columns, channels) for places in a prepared set.
            rows: the places; y: class numbers, or None for learning without labels; weights: one a row.
            seed: None keeps the order.
        """
        super().__init__(workers=1, use_multiprocessing=False)
        self._pictures, self._rows, self.y, self.weights = pictures, rows, y, weights
        # Devices that share a batch get equal parts: Keras wants that of the first, and none may get nothing.
        self._sharers = backend.sharers()
        self._batch = min(batch, len(rows))
        if y is None:
            self._batch = max(self._batch // self._sharers, 1) * self._sharers
        self._seed = seed
        self.epoch = 0

    def give(self, y: np.ndarray, weights: np.ndarray) -> None:
        """Other classes and weights for the same pictures, from the next batch on."""
        self.y, self.weights = y, weights

    @property
    def images(self) -> int:
        """How many an epoch has."""
        return len(self._rows)

    def __len__(self) -> int:
        # Without labels a short last batch would have fewer negatives: it is left out.
        return len(self._rows) // self._batch if self.y is None else -(-len(self._rows) // self._batch)

    def __getitem__(self, number: int) -> tuple:
        order = self._order()[number * self._batch : (number + 1) * self._batch]
        if self.y is None:
            return (self._pictures(self._rows[order]),)
        weights = np.ones(len(order)) if self.weights is None else self.weights[order]
        # What fills a batch up has no weight; the others' is raised so that the mean over all is the mean over them.
        filled = np.resize(order, -(-len(order) // self._sharers) * self._sharers)
        weights = np.pad(weights * (len(filled) / len(order)), (0, len(filled) - len(order)))
        return self._pictures(self._rows[filled]), self.y[filled], weights.astype(np.float32)

    def _order(self) -> np.ndarray:
        if self._seed is None:
            return np.arange(len(self._rows))
        if getattr(self, "_ordered_epoch", None) != self.epoch:
            self._shuffled = np.random.default_rng([self._seed, self.epoch]).permutation(len(self._rows))
            self._ordered_epoch = self.epoch
        return self._shuffled
