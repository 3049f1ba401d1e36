"""Identical and nearly identical images.

Near duplicates are pairs whose 64-bit perceptual hashes differ in at most 6 bits *and* whose 32 × 32 grey thumbnails
correlate above 0.985. The hash alone would match many different radiographs, because their low frequencies are alike. A
copy that was saved again as JPEG and rescaled passes both tests; one that was mirrored, rotated or cropped does not.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from indomain.data.dataset import Dataset

MAX_HASH_BITS = 6
MIN_CORRELATION = 0.985


def similar_pairs(first: "Dataset", second: "Dataset") -> Iterator[tuple[str, int, int]]:
    """Finds the pairs of identical or nearly identical images.

    Args:
        first: a data set.
        second: another one of the same image size, or `first` itself: then each pair is yielded once.

    Yields:
        The kind, "exact duplicate" or "near duplicate", and the position of each image in `first.index` and in
        `second.index`, counted from 0.
    """
    same = first is second
    hashes = [np.array([int(text, 16) for text in dataset.index["phash"]], np.uint64) for dataset in (first, second)]
    pixels = [dataset.index["sha256"].to_numpy() for dataset in (first, second)]
    thumbnails = [_Thumbnails(dataset) for dataset in (first, second)]
    for start in range(0, len(hashes[0]), 1024):
        block = hashes[0][start : start + 1024]
        distance = np.bitwise_count(block[:, None] ^ hashes[1][None, :])
        for a, b in np.argwhere(distance <= MAX_HASH_BITS):
            a, b = int(a) + start, int(b)
            if same and a >= b:
                continue
            if pixels[0][a] == pixels[1][b]:
                yield "exact duplicate", a, b
            elif thumbnails[0][a] @ thumbnails[1][b] > MIN_CORRELATION:
                yield "near duplicate", a, b


class _Thumbnails:
    """Thumbnails of 32 × 32 grey pixels, created on first use.

    Each has mean 0 and norm 1, so that the dot product of two is their Pearson correlation.
    """

    def __init__(self, dataset: "Dataset") -> None:
        self._dataset = dataset
        self._rows = dataset.index["row"].to_numpy()
        self._cache: dict[int, np.ndarray] = {}

    def __getitem__(self, position: int) -> np.ndarray:
        if position not in self._cache:
            image = self._dataset.images(self._rows[[position]], 1)[0, ..., 0]
            small = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BOX), np.float64).ravel()
            small -= small.mean()
            # The thumbnail of a blank image stays all zeros: only its exact copies count as duplicates.
            self._cache[position] = small / (np.linalg.norm(small) or 1.0)
        return self._cache[position]
