"""Equal and nearly equal images.

Near duplicates are pairs whose 64-bit perceptual hashes differ in at most 6 bits *and* whose 32 × 32 grey thumbnails
correlate above 0.985: the hash alone calls many different radiographs alike, since their low frequencies are. A copy
saved again as JPEG and rescaled passes both; one that was mirrored, rotated or cropped does not.
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
    """Pairs of equal or nearly equal pictures: kind, place in `first.index`, place in `second.index`.

    Within one set each pair comes once.
    """
    same = first is second
    hashes = [np.array([int(text, 16) for text in one.index["phash"]], np.uint64) for one in (first, second)]
    pixels = [one.index["sha256"].to_numpy() for one in (first, second)]
    thumbnails = [_Thumbnails(one) for one in (first, second)]
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
    """32 × 32 grey thumbnails of mean 0 and norm 1, made when first asked for: their dot product is the correlation."""

    def __init__(self, dataset: "Dataset") -> None:
        self._dataset = dataset
        self._rows = dataset.index["row"].to_numpy()
        self._made: dict[int, np.ndarray] = {}

    def __getitem__(self, place: int) -> np.ndarray:
        if place not in self._made:
            picture = self._dataset.images(self._rows[[place]], 1)[0, ..., 0]
            small = np.asarray(Image.fromarray(picture).resize((32, 32), Image.Resampling.BOX), np.float64).ravel()
            small -= small.mean()
            # A blank picture is like no other, except to the pixel.
            self._made[place] = small / (np.linalg.norm(small) or 1.0)
        return self._made[place]
