"""`synthetic.npz`: images that were made from a fold's training images.

images      uint8 (n, rows, columns, channels), 0–255
y           int64 (n,): class numbers; the images of each class in a random order, so that the first of them are a sample
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from indomain import files

_NAME = "synthetic.npz"


def write(folder: Path, images: np.ndarray, y: np.ndarray) -> None:
    """Writes `folder`/synthetic.npz.

    Args:
        folder: the run's folder.
        images: uint8 (n, rows, columns, channels), 0–255.
        y: int (n,), class numbers.
    """
    files.write_arrays(folder / _NAME, {"images": images, "y": y.astype(np.int64)})


def read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images and class numbers that `write` wrote to a run's folder."""
    with np.load(folder / _NAME, allow_pickle=False) as saved:
        return saved["images"], saved["y"]


def mixed(
    images: Callable[[np.ndarray], np.ndarray],
    table: pd.DataFrame,
    made: tuple[np.ndarray, np.ndarray] | None,
    amount: float,
    real: bool,
    times: float,
) -> tuple[Callable[[np.ndarray], np.ndarray], pd.DataFrame]:
    """Training images with synthetic ones among them, repeated to a number that does not depend on the mixture.

    Args:
        images: returns the uint8 images for an array of pool rows.
        table: a fold's rows, with `row`, `y` and `split`; those of "train" are replaced, all others stay.
        made: synthetic images and their classes; None: there are none.
        amount: synthetic images of each class, as a share of its training images.
        real: whether the training images themselves are among them.
        times: the number of images of an epoch, as a multiple of the training images. Those of the mixture are repeated for it,
            each as often as any other or once more.

    Returns:
        The images, in which numbers from the pool's last row on are synthetic ones, and the table.
    """
    is_train = (table["split"] == "train").to_numpy()
    train, others = table[is_train], table[~is_train]
    first = int(table["row"].max()) + 1
    parts = [train] if real else []
    if made is not None:
        for number, count in train["y"].value_counts().items():
            places = np.flatnonzero(made[1] == number)[: max(round(amount * count), 1)]
            parts.append(pd.DataFrame({"row": first + places, "y": number, "split": "train"}))
    mixture = pd.concat(parts, ignore_index=True)
    repeated = np.resize(np.arange(len(mixture)), round(times * len(train)))

    def both(rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        is_made = rows >= first
        if made is None or not is_made.any():
            return images(rows)
        known = images(np.where(is_made, table["row"].iloc[0], rows)).copy()
        known[is_made] = made[0][rows[is_made] - first]
        return known

    return both, pd.concat([mixture.iloc[repeated], others], ignore_index=True)
