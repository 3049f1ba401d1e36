"""Images by row number, from one prepared set or from several one after the other."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from indomain.data.images import resizing


class ImageStore:
    """Read from the files as they are asked for.

    Not through a memory map: its pages count as the process' memory, which would grow with the set, and faulting them in
    one by one costs more than reading.
    """

    def __init__(self, paths: Path | Sequence[Path], channels: int) -> None:
        """
        Args:
            paths: `images.npy` of each set; the rows of the second set follow those of the first. All of one size.
            channels: of the images given out, 1 or 3: grey is repeated, colour becomes luminance.
        """
        self.paths, self.channels = [paths] if isinstance(paths, Path) else list(paths), channels
        arrays = [np.load(path, mmap_mode="r") for path in self.paths]
        self._shapes, self._offsets = [array.shape[1:] for array in arrays], [array.offset for array in arrays]
        self._ends = np.cumsum([len(array) for array in arrays])

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """uint8 (n, height, width, channels), 0–255, for the images of `rows`."""
        if len(self.paths) == 1:
            return resizing.to_channels(self._read(0, rows), self.channels)
        rows = np.asarray(rows)
        which = np.searchsorted(self._ends, rows, side="right")
        found = np.empty((len(rows), *self._shapes[0][:2], self.channels), np.uint8)
        for number in np.unique(which):
            own = rows[which == number] - (self._ends[number - 1] if number else 0)
            found[which == number] = resizing.to_channels(self._read(int(number), own), self.channels)
        return found

    def _read(self, number: int, rows: np.ndarray) -> np.ndarray:
        """The images of one file, with the channels that they have there."""
        found = np.empty((len(rows), *self._shapes[number]), np.uint8)
        length = found[0].nbytes if len(rows) else 0
        with open(self.paths[number], "rb", buffering=0) as file:
            for image, row in zip(found, rows):
                if os.preadv(file.fileno(), [image], self._offsets[number] + int(row) * length) != length:
                    raise OSError(f"{self.paths[number]} ends before image {row}: prepare the set again")
        return found
