"""Patches: a large picture cut into squares while a set is prepared."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from indomain.data.manifest import PatchOptions

_WHITE = 220  # grey value above which a pixel of a slide shows no tissue


def cut(
    picture: np.ndarray | Image.Image, mask: np.ndarray | None, options: PatchOptions
) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Each patch of a picture: its place "row,column" in pixels, its pixels, and its part of the mask.

    The last patch of a row or column is moved inwards so that it ends at the edge, and overlaps its neighbour where the
    picture's side is no multiple. A picture smaller than a patch is one patch. If every patch is blank, the least blank
    one is kept: a picture does not vanish.
    """
    pixels = np.asarray(picture)
    stride = options.stride or options.size
    places = [
        (row, column)
        for row in _starts(pixels.shape[0], options.size, stride)
        for column in _starts(pixels.shape[1], options.size, stride)
    ]
    parts = [pixels[row : row + options.size, column : column + options.size] for row, column in places]
    blank = np.array([_white_share(part) if options.blank < 1 else 0.0 for part in parts])
    kept = np.flatnonzero(blank <= options.blank) if (blank <= options.blank).any() else [int(blank.argmin())]
    for number in kept:
        row, column = places[number]
        its_mask = None if mask is None else mask[row : row + options.size, column : column + options.size]
        yield f"{row},{column}", parts[number], its_mask


def _starts(length: int, size: int, stride: int) -> list[int]:
    if length <= size:
        return [0]
    starts = list(range(0, length - size + 1, stride))
    return starts if starts[-1] == length - size else [*starts, length - size]


def _white_share(part: np.ndarray) -> float:
    grey = part if part.ndim == 2 else part.min(axis=-1)
    return float((grey > _WHITE).mean())
