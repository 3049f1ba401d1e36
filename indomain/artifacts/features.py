"""`features.npz`: what a network makes of a set's images, computed once and read by every later run.

rows        int64 (N,), ascending: rows of the images in the pool
features    float32 (N, d)
"""

from pathlib import Path

import numpy as np

from indomain import files


class Features:
    """Features by the rows of their images; stands in for `Split.images` where a network begins at features."""

    def __init__(self, rows: np.ndarray, features: np.ndarray) -> None:
        """
        Args:
            rows: int (N,), ascending.
            features: float32 (N, d).
        """
        self.rows, self.features = rows, features

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """float32 (n, d) for n rows of the pool; KeyError where one has no features."""
        positions = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        if not np.array_equal(self.rows[positions], rows):
            raise KeyError("these images have no features here")
        return self.features[positions]


def write_features(folder: Path, rows: np.ndarray, features: np.ndarray) -> None:
    """Writes `folder`/features.npz.

    Args:
        folder: the run's.
        rows: int (N,), ascending and different.
        features: float32 (N, d).
    """
    files.write_arrays(folder / "features.npz", {"rows": rows.astype(np.int64), "features": features})


def read_features(folder: Path) -> Features:
    """The features that `write_features` wrote."""
    with np.load(folder / "features.npz", allow_pickle=False) as saved:
        return Features(saved["rows"], saved["features"])
