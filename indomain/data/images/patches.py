"""Patches: large images are cut into squares while a set is prepared."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from indomain.data.manifest import PatchOptions

_WHITE = 220  # grey value above which a pixel of a slide shows no tissue


def cut(
    image: np.ndarray | Image.Image, mask: np.ndarray | None, options: PatchOptions
) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """Cuts an image into patches.

    The last patch of a row or column is moved inwards so that it ends at the edge; it overlaps its neighbour unless the
    side of the image is a multiple of the patch size. An image smaller than a patch is a single patch. If all patches
    are blank, the least blank one is kept, so that no image disappears.

    Args:
        image: uint8 (H, W) or (H, W, 3), 0–255, or an 8-bit Pillow image.
        mask: uint8 (H, W), or None.
        options: size and stride of the patches, and which of them count as blank.

    Yields:
        The position "row,column" of a patch's upper left corner in pixels, its pixels, and its part of the mask.
    """
    pixels = np.asarray(image)
    stride = options.stride or options.size
    corners = [
        (row, column)
        for row in _starts(pixels.shape[0], options.size, stride)
        for column in _starts(pixels.shape[1], options.size, stride)
    ]
    patches = [pixels[row : row + options.size, column : column + options.size] for row, column in corners]
    white = np.array([_white_share(patch) if options.blank < 1 else 0.0 for patch in patches])
    numbers = np.flatnonzero(white <= options.blank)
    for number in numbers if len(numbers) else [int(white.argmin())]:
        row, column = corners[number]
        patch_mask = None if mask is None else mask[row : row + options.size, column : column + options.size]
        yield f"{row},{column}", patches[number], patch_mask


def _starts(length: int, size: int, stride: int) -> list[int]:
    """The first pixel of each patch along one side."""
    if length <= size:
        return [0]
    starts = list(range(0, length - size + 1, stride))
    return starts if starts[-1] == length - size else [*starts, length - size]


def _white_share(patch: np.ndarray) -> float:
    grey = patch if patch.ndim == 2 else patch.min(axis=-1)
    return float((grey > _WHITE).mean())
