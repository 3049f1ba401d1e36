"""Examples, and batches of them in an order that a resumed run repeats."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd

from indomain import backend


@dataclass(frozen=True)
class Examples:
    """Images, and the rows of a split's table that a run uses.

    Attributes:
        images: returns the uint8 images (n, rows, columns, channels), or the features, for an array of pool rows.
        table: columns `row` (pool row), `y` (class number) and `split`: "train" is learnt from, "val" (if any) chooses
            the epoch.
    """

    images: Callable[[np.ndarray], np.ndarray]
    table: pd.DataFrame

    def part(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """Pool rows and class numbers, int (n,) each, of one part of the split.

        Args:
            split: "train", "val" or "test".
        """
        part = self.table[self.table["split"] == split]
        return part["row"].to_numpy(), part["y"].to_numpy()


class Batches(keras.utils.PyDataset):
    """Shuffled batches of rows, in an order that depends only on seed and epoch, so that a resumed run repeats it.

    Args:
        images: returns the uint8 images (n, rows, columns, channels), or the features, for an array of pool rows.
        rows: int (n,), the pool rows to learn from.
        y: int (n,), class numbers, or float (n, classes), probabilities; None for learning without labels.
        weights: float (n,), one weight per row; None: 1 each.
        batch: images per batch.
        seed: seed of the order; None keeps the order of `rows`.
    """

    def __init__(
        self,
        images: Callable[[np.ndarray], np.ndarray],
        rows: np.ndarray,
        y: np.ndarray | None = None,
        weights: np.ndarray | None = None,
        batch: int = 32,
        seed: int | None = None,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._images, self._rows, self.y, self.weights = images, rows, y, weights
        # Devices that share a batch must get equal parts: Keras expects each to get as many images as the first, and
        # none may be left without.
        self._sharers = backend.sharers()
        self._batch = min(batch, len(rows))
        if y is None:
            self._batch = max(self._batch // self._sharers, 1) * self._sharers
        self._seed = seed
        self.epoch = 0

    def give(self, y: np.ndarray, weights: np.ndarray) -> None:
        """Replaces classes and weights from the next batch on; the images stay the same.

        Args:
            y: int (n,), class numbers.
            weights: float (n,), one weight per row.
        """
        self.y, self.weights = y, weights

    @property
    def images(self) -> int:
        """The number of images per epoch."""
        return len(self._rows)

    def __len__(self) -> int:
        # Without labels, a short last batch would offer fewer negatives to contrast with: it is left out.
        return len(self._rows) // self._batch if self.y is None else -(-len(self._rows) // self._batch)

    def __getitem__(self, number: int) -> tuple:
        order = self._order()[number * self._batch : (number + 1) * self._batch]
        if self.y is None:
            return (self._images(self._rows[order]),)
        weights = np.ones(len(order)) if self.weights is None else self.weights[order]
        # A batch of b images is padded to B, the next multiple of the number of devices, by repeating images.
        # Keras' loss is the weighted sum over the B losses l, divided by B. The padding gets weight 0, and the
        # others w · B / b, so that the loss is
        #     (1 / B) · sum(w_i · B / b · l_i) = (1 / b) · sum(w_i · l_i),
        # the mean over the b images, as without padding.
        padded = np.resize(order, -(-len(order) // self._sharers) * self._sharers)
        weights = np.pad(weights * (len(padded) / len(order)), (0, len(padded) - len(order)))
        return self._images(self._rows[padded]), self.y[padded], weights.astype(np.float32)

    def _order(self) -> np.ndarray:
        if self._seed is None:
            return np.arange(len(self._rows))
        if getattr(self, "_ordered_epoch", None) != self.epoch:
            self._shuffled = np.random.default_rng([self._seed, self.epoch]).permutation(len(self._rows))
            self._ordered_epoch = self.epoch
        return self._shuffled
