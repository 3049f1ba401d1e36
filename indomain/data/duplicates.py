"""Identical and nearly identical images, whatever their geometry.

Exact duplicates have the same pixels. Near duplicates are found in three steps:

1. candidates: pairs of images that share landmarks in the same arrangement (`indomain.data.matching`);
2. registration: the affine map that lays one image on the other (`indomain.data.images.registration`);
3. agreement: on the area that both show, at least `MIN_COMMON` of either, the images are cut into 8 × 8 tiles. Their
   brightness and contrast were removed, so that only fine structure is left, and each tile has a correlation. The
   median tile must reach `MIN_AGREEMENT`, after the sharper image was blurred like the other. JPEG destroys the
   finest structure, but moves nothing: `IN_PLACE` makes up for it, because two patients are seldom in exactly the same
   place.

Pictures of the same body part agree in their outlines but not in the texture of most tiles, which is what the median
asks. It does not mind a mark burnt into a corner. Copies that were squashed, letterboxed, mirrored, turned by
quarters, inverted, shifted or changed by a gamma curve are nearly all found; of those cropped to 60 % of their sides,
rotated by 5°, equalised, or saved as JPEG of low quality, all where there is texture (knees), and fewer where there
is little (skin). `python -m benchmarks duplicates` measures how many, and how many pairs of different patients. An
image without structure is only like its exact copies, and so is a synthetic one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from indomain.data.images import landmarks, registration
from indomain.data.images.landmarks import Landmarks
from indomain.data.matching import Candidates, candidates, in_threads

if TYPE_CHECKING:
    from indomain.data.dataset import Dataset

VERSION = 1  # raised with every change of what is found
MIN_AGREEMENT = 0.92  # median correlation of the tiles, and
IN_PLACE = 0.08  # what is added to it where nothing moved but a turn or mirroring, and several landmarks agree
MIN_COMMON = 0.25  # share of each image, without plain bars, that the other shows too
_MAX_STRETCH = 2.0  # of one axis against the other
_MAX_ROTATION = 0.15  # tangent, in an image squashed from 4:3
_MAX_SHEAR = 0.1  # tangent; copies are rotated or squashed, but not sheared
_MIN_VOTES, _STILL = 6, 0.05  # further landmarks, and the half sides that a map may differ from a turn, to be in place
_MIN_DETAILS = 60  # that a common area must have, unless nothing moved: an affine map fits any six
_TILES = 8  # a side
_PAIRS = 64  # registered at once
# Below these a pair is given up: the correlation at 16 pixels before and after registration, the median tile at 32 pixels.
_HOPELESS = (0.3, 0.5, 0.7)


class Pair(NamedTuple):
    """Two images that are alike.

    Attributes:
        kind: "exact duplicate" or "near duplicate".
        first: the position of one image in the first set's index, from 0.
        second: the position of the other in the second set's index.
        agreement: the median correlation of the tiles, plus `IN_PLACE` where nothing moved: `MIN_AGREEMENT` … 1.08.
        map: where each place of the first thumbnail is in the second, see `indomain.data.images.registration`.
    """

    kind: str
    first: int
    second: int
    agreement: float
    map: np.ndarray


@dataclass(frozen=True)
class Signatures:
    """What is compared of a set of images.

    Attributes:
        members: the positions of the images with the same pixels, for each distinct image.
        digests: the SHA-256 of each distinct image.
        thumbnails: of each distinct image, uint8 (n, rows, columns).
        coarse: the thumbnails at 16 pixels without brightness and contrast, float32 (n, 16, 16).
        landmarks: of all distinct images.
    """

    members: list[np.ndarray]
    digests: np.ndarray
    thumbnails: np.ndarray
    coarse: np.ndarray
    landmarks: Landmarks


def similar_pairs(first: "Dataset", second: "Dataset") -> Iterator[Pair]:
    """Finds the pairs of identical or nearly identical images.

    Args:
        first: a data set.
        second: another one, or `first` itself: then each pair is yielded once.

    Yields:
        Pairs, the exact duplicates first.
    """
    same, identity = first is second, np.eye(2, 3, dtype=np.float32)
    members, digests = distinct(first.index["sha256"].to_numpy(str))
    others = dict(zip(*reversed(distinct(second.index["sha256"].to_numpy(str)))))
    for these, digest in zip(members, digests):
        for one, other in _products(these, others.get(digest, ()), same):
            yield Pair("exact duplicate", one, other, 1.0, identity)
    if first.pool.synthetic and second.pool.synthetic:
        # Generated images are drawn one by one from the same anatomy: all are alike, and none is a copy.
        return
    a = first.signatures
    b = a if same else second.signatures
    found, agreement, maps = near(a, b)
    for place in np.flatnonzero(agreement >= MIN_AGREEMENT):
        i, j = found.first[place], found.second[place]
        if a.digests[i] != b.digests[j]:
            for one, other in _products(a.members[i], b.members[j], False):
                yield Pair("near duplicate", one, other, float(agreement[place]), maps[place])


def near(first: Signatures, second: Signatures) -> tuple[Candidates, np.ndarray, np.ndarray]:
    """Registers all pairs of distinct images that may be copies of one another.

    Args:
        first: the signatures of a data set.
        second: those of another one, or `first` itself.

    Returns:
        The pairs; their agreement, −1 for those given up on the way, float32 (n,); and their affine maps, float32
        (n, 2, 3).
    """
    found = candidates(first.landmarks, second.landmarks)
    agreement, maps = np.full(len(found.first), -1, np.float32), found.maps.copy()

    signs = np.ones((len(maps), 1, 1), np.float32)

    def coarse(start: int) -> np.ndarray:
        rows = np.arange(start, min(start + 8 * _PAIRS, len(maps)))
        a, b = first.coarse[found.first[rows]], second.coarse[found.second[rows]]
        alike = registration.correlation(a, *registration.warped(b, maps[rows]))
        # An inverted copy is bright where the other is dark.
        signs[rows[alike < 0]] = -1
        hopeful = np.abs(alike) >= _HOPELESS[0]
        rows, a, b = rows[hopeful], a[hopeful], b[hopeful]
        b = b * signs[rows]
        maps[rows] = registration.refined(a, b, maps[rows], 3)
        moved, inside = registration.warped(b, maps[rows])
        return rows[(registration.correlation(a, moved, inside) >= _HOPELESS[1]) & _plausible(maps[rows], inside)]

    def fine(start: int) -> None:
        rows = left[start : start + _PAIRS]
        a = landmarks.equalised(first.thumbnails[found.first[rows]])
        b = landmarks.equalised(second.thumbnails[found.second[rows]]) * signs[rows]
        half_a, half_b = _smaller(a, 2), _smaller(b, 2)
        maps[rows] = registration.refined(half_a, half_b, maps[rows], 4)
        moved, inside = registration.warped(half_b, maps[rows])
        hopeful = registration.median_correlation(half_a, moved, inside, _TILES) >= _HOPELESS[2]
        rows, a, b = rows[hopeful], a[hopeful], b[hopeful]
        maps[rows] = registration.refined(a, b, maps[rows], 2)
        moved, inside = registration.warped(b, maps[rows])
        alike, still = _agreement(a, moved, inside), _in_place(maps[rows])
        alike += IN_PLACE * (still & (found.votes[rows] >= _MIN_VOTES))
        enough = still | (registration.details(a, inside) >= _MIN_DETAILS)
        agreement[rows] = np.where(_plausible(maps[rows], inside) & enough, alike, -1)

    left = np.concatenate([np.zeros(0, int), *in_threads(coarse, range(0, len(maps), 8 * _PAIRS))])
    in_threads(fine, range(0, len(left), _PAIRS))
    return found, agreement, maps


def _agreement(first: np.ndarray, second: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The median tile's correlation, after the sharper image of each pair is blurred like the other: float32 (n,)."""
    pairs = [(first, second)]
    for pixels in (1.0, 2.0):
        pairs += [(landmarks.blurred(first, pixels), second), (first, landmarks.blurred(second, pixels))]
    return np.max([registration.median_correlation(a, b, inside, _TILES) for a, b in pairs], axis=0)


def _plausible(maps: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Whether both images show enough of the other, and are neither sheared, rotated nor stretched as no copy is: bool (n,)."""
    linear = maps[:, :, :2]
    # A quarter turn exchanges the axes.
    exchanged = np.abs(linear[:, 0, 0] * linear[:, 1, 1]) < np.abs(linear[:, 0, 1] * linear[:, 1, 0])
    linear = np.where(exchanged[:, None, None], linear[:, :, ::-1], linear)
    rows, columns = np.abs(linear[:, 0, 0]), np.abs(linear[:, 1, 1])
    share = inside.mean((1, 2))
    common = np.minimum(share, share * rows * columns) >= MIN_COMMON
    stretched = np.maximum(rows, columns) > _MAX_STRETCH * np.minimum(rows, columns)
    down, right = linear[:, 0, 1] / linear[:, 0, 0], linear[:, 1, 0] / linear[:, 1, 1]
    rotated = np.maximum(np.abs(down), np.abs(right)) > _MAX_ROTATION
    return common & ~stretched & ~rotated & (np.abs(down + right) <= _MAX_SHEAR)


def _in_place(maps: np.ndarray) -> np.ndarray:
    """Whether a map is one of the eight turns and mirrorings of the square, and nothing else: bool (n,)."""
    turns = np.concatenate([landmarks.TURNS, np.zeros((len(landmarks.TURNS), 2, 1), np.float32)], 2)
    return (np.abs(maps[:, None] - turns).max((2, 3)) <= _STILL).any(1)


def sign(images: Callable[[np.ndarray], np.ndarray], digests: np.ndarray) -> Signatures:
    """Computes the signatures of images.

    Args:
        images: returns the images at some positions, uint8 (n, rows, columns).
        digests: the SHA-256 of each image, str (N,).
    """
    members, names = distinct(digests)
    first = np.array([positions[0] for positions in members], int)
    thumbnails = np.empty((len(names), landmarks.SIDE, landmarks.SIDE), np.uint8)
    coarse = np.empty((len(names), landmarks.SIDE // 4, landmarks.SIDE // 4), np.float32)

    def part(begin: int) -> Landmarks:
        rows = slice(begin, begin + 64)
        thumbnails[rows] = [landmarks.thumbnail(image) for image in images(first[rows])]
        equalised = landmarks.equalised(thumbnails[rows])
        coarse[rows] = _smaller(equalised, 4)
        found = landmarks.find(equalised)
        return Landmarks(found.image + begin, found.place, found.reach, found.vector)

    parts = in_threads(part, range(0, len(names), 64))
    if not parts:
        return Signatures([], names, thumbnails, coarse, landmarks.find(np.zeros(thumbnails.shape, np.float32)))
    columns = zip(*((one.image, one.place, one.reach, one.vector) for one in parts))
    return Signatures(members, names, thumbnails, coarse, Landmarks(*(np.concatenate(column) for column in columns)))


def distinct(digests: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Groups images with the same pixels.

    Args:
        digests: the SHA-256 of each image, str (N,).

    Returns:
        For each distinct image the positions of the images that are it, and its digest, in the order of the first of them.
    """
    names, start, number = np.unique(digests, return_index=True, return_inverse=True)
    members = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    # In the order of the images rather than of their digests.
    order = np.argsort(start)
    return [members[place] for place in order], names[order]


def _products(first: Iterable[int], second: Iterable[int], same: bool) -> Iterator[tuple[int, int]]:
    """All pairs of positions; of one set with itself each pair once."""
    return ((int(a), int(b)) for a in first for b in second if not same or a < b)


def _smaller(images: np.ndarray, factor: int) -> np.ndarray:
    """Images with the mean of `factor` × `factor` pixels in place of each."""
    number, side = images.shape[0], images.shape[1] // factor
    return images if factor == 1 else images.reshape(number, side, factor, side, factor).mean((2, 4))
