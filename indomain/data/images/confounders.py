"""A confounder: a burnt-in marker that is correlated with the label in training, and absent or reversed in testing.

The test results tell whether a network has learnt the finding or the marker, as in Juodelyte et al. 2024 ("Source matters",
arXiv:2403.04484).
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from indomain.data.images import corruptions

HEIGHT = 0.16  # height of the marker, as a share of the image's shorter side
CONDITIONS = ("as learnt", "absent", "reversed")


def markers(ids: list[str], y: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Decides which images carry the marker: class 1 with probability `share`, class 0 with probability 1 − `share`.

    The decision depends only on an image's id, so that it is the same in every fold, role and order.

    Args:
        ids: the ids of the images.
        y: class numbers, int (N,).
        share: 0 … 1; 0.5 means no correlation.
        seed: another seed marks other images.

    Returns:
        bool (N,).
    """
    keys = [hashlib.sha256(f"{seed}/mark/{image_id}".encode()).digest()[:8] for image_id in ids]
    uniform = np.array([int.from_bytes(key, "big") / 2**64 for key in keys])
    return np.where(y == 1, uniform < share, uniform >= share)


def marked(images: Callable[[np.ndarray], np.ndarray], table: Any, options: dict[str, Any]) -> Callable:
    """Wraps a function that reads images, so that it burns in the markers.

    Args:
        images: takes row numbers, int (n,), and returns uint8 (n, rows, columns, channels), 0–255.
        table: a DataFrame, the rows of a split table (`id`, `row`, `y`); only these images can carry a marker.
        options: the content of `MarkerOptions`: `share` and `seed`.

    Returns:
        A function with the same parameters and result as `images`.
    """
    carries = markers(table["id"].tolist(), table["y"].to_numpy(), options["share"], options["seed"])
    carriers = set(table["row"].to_numpy()[carries].tolist())

    def with_markers(rows: np.ndarray) -> np.ndarray:
        return _burn(images(rows), np.isin(rows, list(carriers)))

    return with_markers


def tested_images(images: np.ndarray, table: Any, condition: str, options: dict[str, Any]) -> np.ndarray:
    """Burns the marker into test images.

    Args:
        images: uint8 (N, rows, columns, channels), 0–255.
        table: a DataFrame, the rows of the split table for these images (`id`, `y`), in the same order.
        condition: one of `CONDITIONS`: the same correlation as in training, no markers, or the opposite correlation.
        options: the content of `MarkerOptions`: `share` and `seed`.

    Returns:
        Copies of the images, uint8 (N, rows, columns, channels).
    """
    carries = markers(table["id"].tolist(), table["y"].to_numpy(), options["share"], options["seed"])
    carries = {"as learnt": carries, "absent": np.zeros(len(images), bool), "reversed": ~carries}[condition]
    return _burn(images, carries)


def _burn(images: np.ndarray, carries: np.ndarray) -> np.ndarray:
    copies = np.array(images)
    for number in np.flatnonzero(carries):
        copies[number] = corruptions.burnt_in(copies[number], HEIGHT, corner=0)
    return copies
