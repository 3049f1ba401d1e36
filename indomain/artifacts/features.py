"""`features.npz`: what a network makes of a set's images, computed once and read by every later run."""

from pathlib import Path

import numpy as np


class Features:
    """Features by the places of their pictures; it stands for `Listing.pictures` where a network begins at features."""

    def __init__(self, rows: np.ndarray, features: np.ndarray) -> None:
        self.rows, self.features = rows, features

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """float32 (n, d) for n places in the prepared set; KeyError where one has no features."""
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        if not np.array_equal(self.rows[places], rows):
            raise KeyError("these pictures have no features here")
        return self.features[places]


def read_features(folder: Path) -> Features:
    """The features that `write` left."""
    with np.load(folder / "features.npz", allow_pickle=False) as saved:
        return Features(saved["rows"], saved["features"])
