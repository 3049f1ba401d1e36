"""Contact sheets: many images in one, for the eye."""

import numpy as np
from PIL import Image

GAP = 4  # pixels between images


def sheet(images: np.ndarray, first: int = 1) -> Image.Image:
    """Images side by side on white, with a wider gap after the first columns.

    Args:
        images: uint8 (lines, columns, height, width, channels).
        first: the number of columns before the wider gap.
    """
    lines, columns, height, width, channels = images.shape
    canvas = np.full((lines * (height + GAP) + GAP, columns * (width + GAP) + 3 * GAP, channels), 255, np.uint8)
    for line in range(lines):
        for column in range(columns):
            top, left = GAP + line * (height + GAP), GAP + column * (width + GAP) + (2 * GAP if column >= first else 0)
            canvas[top : top + height, left : left + width] = images[line, column]
    return Image.fromarray(canvas[..., 0] if channels == 1 else canvas)
