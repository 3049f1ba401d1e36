"""Images by row number, from one prepared set or from several, one after another."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indomain.data.images import resizing


class ImageStore:
    """Reads images from files on demand.

    It does not use a memory map: mapped pages count towards the memory of the process, which would grow with the set, and
    faulting them in one by one takes longer than reading.

    Args:
        paths: `images.npy` of one set or of several of the same image size; the rows of the second set follow those of
            the first.
        channels: of the images returned, 1 or 3; grey images are repeated, colour images are converted to luminance.
    """

    def __init__(self, paths: Path | Sequence[Path], channels: int) -> None:
        self.paths, self.channels = [paths] if isinstance(paths, Path) else list(paths), channels
        arrays = [np.load(path, mmap_mode="r") for path in self.paths]
        self._shapes, self._offsets = [array.shape[1:] for array in arrays], [array.offset for array in arrays]
        self._ends = np.cumsum([len(array) for array in arrays])

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """Reads images.

        Args:
            rows: row numbers, int (n,), in any order.

        Returns:
            uint8 (n, rows, columns, channels), 0–255.

        Raises:
            OSError: if a file is shorter than its header states.
        """
        if len(self.paths) == 1:
            return resizing.to_channels(self._read(0, rows), self.channels)
        rows = np.asarray(rows)
        files = np.searchsorted(self._ends, rows, side="right")
        images = np.empty((len(rows), *self._shapes[0][:2], self.channels), np.uint8)
        for number in np.unique(files):
            rows_in_file = rows[files == number] - (self._ends[number - 1] if number else 0)
            images[files == number] = resizing.to_channels(self._read(int(number), rows_in_file), self.channels)
        return images

    def _read(self, number: int, rows: np.ndarray) -> np.ndarray:
        """The images of one file, with the channels that are stored there."""
        images = np.empty((len(rows), *self._shapes[number]), np.uint8)
        length = images[0].nbytes if len(rows) else 0
        with open(self.paths[number], "rb", buffering=0) as file:
            for image, row in zip(images, rows):
                if os.preadv(file.fileno(), [image], self._offsets[number] + int(row) * length) != length:
                    raise OSError(f"{self.paths[number]} ends before image {row}: prepare the set again")
        return images
