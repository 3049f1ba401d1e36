"""`features.npz`: a network's features of a set's images, computed once and read by all later runs.

rows        int64 (n,), ascending: pool rows of the images
features    float32 (n, d)
"""

from pathlib import Path

import numpy as np

from indomain import files


class Features:
    """Features by pool row; replaces `Split.images` where a network takes features instead of images.

    Args:
        rows: int (n,), ascending.
        features: float32 (n, d).
    """

    def __init__(self, rows: np.ndarray, features: np.ndarray) -> None:
        self.rows, self.features = rows, features

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The features of some pool rows, float32 (len(rows), d).

        Args:
            rows: int, any of the rows that have features, in any order.

        Raises:
            KeyError: a row has no features.
        """
        positions = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        if not np.array_equal(self.rows[positions], rows):
            raise KeyError("these images have no features here")
        return self.features[positions]


def write_features(folder: Path, rows: np.ndarray, features: np.ndarray) -> None:
    """Writes `folder`/features.npz.

    Args:
        folder: the run's folder.
        rows: int (n,), ascending, without duplicates.
        features: float32 (n, d).
    """
    files.write_arrays(folder / "features.npz", {"rows": rows.astype(np.int64), "features": features})


def read_features(folder: Path) -> Features:
    """The features that `write_features` wrote to a run's folder."""
    with np.load(folder / "features.npz", allow_pickle=False) as saved:
        return Features(saved["rows"], saved["features"])
