"""A confounder: a burnt-in marker that goes with the label while a network learns, and is absent or reversed when it is tested.

Juodelyte et al. 2024 ("Source matters", arXiv:2403.04484) tell so whether a network has learnt the finding or the marker.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from indomain.data.images import corruptions

HEIGHT = 0.16  # of the shorter side
CONDITIONS = ("as learnt", "absent", "reversed")


def markers(ids: list[str], y: np.ndarray, share: float, seed: int) -> np.ndarray:
    """bool (N,): which images carry the marker: those of class 1 with probability `share`, those of class 0 with 1 − share.

    Each image's own number decides, so that its marker is the same in whatever fold, role or order it stands.
    """
    keys = [hashlib.sha256(f"{seed}/mark/{own}".encode()).digest()[:8] for own in ids]
    drawn = np.array([int.from_bytes(key, "big") / 2**64 for key in keys])
    return np.where(y == 1, drawn < share, drawn >= share)


def marked(images: Callable[[np.ndarray], np.ndarray], table: Any, options: dict[str, Any]) -> Callable:
    """As `images`, with the markers of the images of a split table (`id`, `row`, `y`)."""
    with_mark = markers(table["id"].tolist(), table["y"].to_numpy(), options["share"], options["seed"])
    carriers = set(table["row"].to_numpy()[with_mark].tolist())

    def seen(rows: np.ndarray) -> np.ndarray:
        return _burn(images(rows), np.isin(rows, list(carriers)))

    return seen


def tested_images(images: np.ndarray, table: Any, condition: str, options: dict[str, Any]) -> np.ndarray:
    """Test images, uint8, under one of `CONDITIONS`."""
    with_mark = markers(table["id"].tolist(), table["y"].to_numpy(), options["share"], options["seed"])
    chosen = {"as learnt": with_mark, "absent": np.zeros(len(images), bool), "reversed": ~with_mark}[condition]
    return _burn(images, chosen)


def _burn(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    burnt = np.array(images)
    for place in np.flatnonzero(chosen):
        burnt[place] = corruptions.burnt_in(burnt[place], HEIGHT, corner=0)
    return burnt
