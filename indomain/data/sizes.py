"""The sizes of a set's images as they are, and the side to prepare them at."""

from pathlib import Path

import numpy as np
from PIL import Image

from indomain.data.readers import Record

SAMPLED = 200  # files whose headers are read
SMALLEST, LARGEST = 32, 224  # pixels of the prepared images


def sizes_of(records: list[Record]) -> list[tuple[int, int]]:
    """(rows, columns) of some of the images, from the headers of their files where there are files.

    Args:
        records: all images.
    """
    found = []
    for record in records[:: max(len(records) // SAMPLED, 1)]:
        try:
            if Path(record.file).suffix.lower() in (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"):
                with Image.open(record.file) as image:
                    found.append((image.height, image.width))
            else:
                rows, columns = np.asarray(record.load()).shape[:2]
                found.append((int(rows), int(columns)))
        except (OSError, ValueError):
            # Listed as unreadable when the set is prepared.
            continue
    return found


def side_for(sizes: list[tuple[int, int]]) -> int:
    """The side that images are prepared at: that of the usual image, up to 224 pixels, which the networks were trained with.

    Args:
        sizes: (rows, columns) of some images.
    """
    usual = float(np.median([min(size) for size in sizes])) if sizes else LARGEST
    return int(np.clip(round(usual / 32) * 32, SMALLEST, LARGEST))
