"""Identical and nearly identical images, whatever their geometry.

Exact duplicates have the same pixels. Near duplicates are found in three steps:

1. candidates: pairs of images that share landmarks in the same arrangement (`indomain.data.matching`), or of which one
   looks like a part of the other (`indomain.data.windows`);
2. registration: the affine map that lays one image on the other (`indomain.data.images.registration`), at 16, 32 and 64 pixels.
   Most pairs are given up on the way, the last by a first look at 32 pixels;
3. evidence: on the area that both show, at least `MIN_COMMON` of either, the images are correlated, as a whole and tile by
   tile, at several scales. The log odds that they are one picture must reach `evidence.COPY.min_log_odds`
   (`indomain.data.evidence`).

Found are copies that were cropped to 60 % of their sides, squashed, letterboxed, mirrored, turned by quarters, inverted,
shifted, rotated by 5°, equalised, changed by a gamma curve, marked, or saved as JPEG of low quality: from 64 pixels up most of
them, but for some of skin, CT and hands that were equalised, and some crops among thousands of images; at 28 pixels crops,
shifts, equalised copies and strong JPEG are often missed. `python -m benchmarks duplicates` measures how many, and how many pairs
of different patients. An image without structure is only like its exact copies, and so is a synthetic one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from indomain.data import evidence, windows
from indomain.data.images import landmarks, registration
from indomain.data.images.landmarks import Landmarks
from indomain.data.matching import Candidates, candidates, in_threads

if TYPE_CHECKING:
    from indomain.data.dataset import Dataset

VERSION = 4  # raised with every change of what is found
MIN_COMMON = 0.25  # share of each image, without plain bars, that the other shows too
_MAX_STRETCH = 2.0  # of one axis against the other
_MAX_ROTATION = 0.15  # tangent, in an image squashed from 4:3
_MAX_SHEAR = 0.1  # tangent; copies are rotated or squashed, but not sheared
_PAIRS = 64  # registered at once
# The neighbourhood that decides a pixel's brightness and contrast shrinks in an image of which the other is a part.
_SHRUNK = (1.0, 0.78, 0.6)
# Below these correlations a pair is given up: at 16 pixels before and after registration, and at 32 pixels.
_HOPELESS = (0.45, 0.68, 0.68)


class Pair(NamedTuple):
    """Two images that are alike.

    Attributes:
        kind: "exact duplicate" or "near duplicate".
        first: the position of one image in the first set's index, from 0.
        second: the position of the other in the second set's index.
        log_odds: that both are one picture, `evidence.COPY.min_log_odds` … ∞.
        map: where each place of the first thumbnail is in the second, see `indomain.data.images.registration`.
    """

    kind: str
    first: int
    second: int
    log_odds: float
    map: np.ndarray


@dataclass(frozen=True)
class Signatures:
    """What is compared of a set of images.

    Attributes:
        members: the positions of the images with the same pixels, for each distinct image.
        digests: the SHA-256 of each distinct image.
        thumbnails: of each distinct image, uint8 (n, rows, columns).
        coarse: the thumbnails at 16 pixels without brightness and contrast, by the neighbourhoods of `_SHRUNK`, float16
            (n, 3, 16, 16).
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
            yield Pair("exact duplicate", one, other, np.inf, identity)
    if first.pool.synthetic and second.pool.synthetic:
        # Generated images are drawn one by one from the same anatomy: all are alike, and none is a copy.
        return
    a = first.signatures
    b = a if same else second.signatures
    found, log_odds, maps = near(a, b)
    for place in np.flatnonzero(log_odds >= evidence.COPY.min_log_odds):
        i, j = found.first[place], found.second[place]
        if a.digests[i] != b.digests[j]:
            for one, other in _products(a.members[i], b.members[j], False):
                yield Pair("near duplicate", one, other, float(log_odds[place]), maps[place])


def near(first: Signatures, second: Signatures) -> tuple[Candidates, np.ndarray, np.ndarray]:
    """Registers all pairs of distinct images that may be copies of one another.

    Args:
        first: the signatures of a data set.
        second: those of another one, or `first` itself.

    Returns:
        The pairs; the log odds that they are copies, −inf for those given up on the way, float64 (n,); and their affine
        maps, float32 (n, 2, 3).
    """
    found, places, measured, maps = registered(first, second)
    log_odds = np.full(len(found.first), -np.inf)
    if len(places):
        log_odds[places] = evidence.COPY.log_odds(measured)
    # The best map of each pair.
    order = np.lexsort((-log_odds, found.second, found.first))
    a, b = found.first[order], found.second[order]
    order = order[np.r_[True, (a[1:] != a[:-1]) | (b[1:] != b[:-1])][: len(order)]]
    return Candidates(*(column[order] for column in found)), log_odds[order], maps[order]


def registered(
    first: Signatures, second: Signatures, min_first_look: float = evidence.FIRST_LOOK.min_log_odds
) -> tuple[Candidates, np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Registers all pairs that may be copies, and measures those that are left.

    Args:
        first: the signatures of a data set.
        second: those of another one, or `first` itself.
        min_first_look: the log odds below which a pair is given up after the first look at it.

    Returns:
        The pairs, the positions of those that are left, their columns of `evidence.first_look` and `evidence.features`, and
        the affine maps of all.
    """
    found = _candidates(first, second)
    maps = found.maps.copy()
    signs = np.ones((len(maps), 1, 1), np.float32)
    swapped, levels = np.zeros(len(maps), bool), np.zeros(len(maps), int)

    def coarse(start: int) -> np.ndarray:
        rows = np.arange(start, min(start + 8 * _PAIRS, len(maps)))
        a, b = first.coarse[found.first[rows]], second.coarse[found.second[rows]]
        level = _level(maps[rows])
        # The neighbourhood of a pixel shrinks with the image.
        a = a[np.arange(len(rows)), np.maximum(-level, 0)].astype(np.float32)
        b = b[np.arange(len(rows)), np.maximum(level, 0)].astype(np.float32)
        alike = registration.correlation(a, *registration.warped(b, maps[rows]))
        # An inverted copy is bright where the other is dark.
        signs[rows[alike < 0]] = -1
        hopeful = np.abs(alike) >= _HOPELESS[0]
        rows, a, b = rows[hopeful], a[hopeful], b[hopeful]
        b = b * signs[rows]
        maps[rows] = registration.refined(a, b, maps[rows], 3)
        moved, inside = registration.warped(b, maps[rows])
        return rows[(registration.correlation(a, moved, inside) >= _HOPELESS[1]) & _plausible(maps[rows], inside)]

    def half(start: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        rows = alike_coarsely[start : start + _PAIRS]
        # The second image is the one that shows more: nothing of the first is lost where it is laid on it.
        swapped[rows] = np.abs(np.linalg.det(maps[rows, :, :2])) > 1
        back = rows[swapped[rows]]
        maps[back] = registration.inverted(maps[back])
        levels[rows] = _level(maps[rows])
        a, b = (_smaller(images.astype(np.float32), 2) for images in thumbnails(rows))
        a, b = landmarks.equalised(a), _equalised(b, levels[rows]) * signs[rows]
        maps[rows] = registration.refined(a, b, maps[rows], 2)
        hopeful = registration.correlation(a, *registration.warped(b, maps[rows])) >= _HOPELESS[2]
        rows, a, b = rows[hopeful], a[hopeful], b[hopeful]
        maps[rows] = registration.refined(a, b, maps[rows], 2)
        looked = evidence.first_look(a, *registration.warped(b, maps[rows]), maps[rows])
        hopeful = evidence.FIRST_LOOK.log_odds(looked) >= min_first_look
        return rows[hopeful], {name: values[hopeful] for name, values in looked.items()}

    def whole(start: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        rows = hoped_for[start : start + _PAIRS]
        a, b = thumbnails(rows)
        equal_b = _equalised(b, levels[rows]) * signs[rows]
        maps[rows] = registration.refined(landmarks.equalised(a), equal_b, maps[rows], 3)
        moved, inside = registration.warped(b.astype(np.float32), maps[rows])
        moved *= signs[rows]
        plausible = _plausible(maps[rows], inside)
        if not plausible.any():
            return rows[plausible], {}
        measured = evidence.features(
            a[plausible].astype(np.float32), moved[plausible], inside[plausible], maps[rows[plausible]]
        )
        return rows[plausible], measured

    def thumbnails(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, b = first.thumbnails[found.first[rows]], second.thumbnails[found.second[rows]]
        other_way = swapped[rows][:, None, None]
        return np.where(other_way, b, a), np.where(other_way, a, b)

    alike_coarsely = np.concatenate([np.zeros(0, int), *in_threads(coarse, range(0, len(maps), 8 * _PAIRS))])
    hoped_for, looked = _joined(in_threads(half, range(0, len(alike_coarsely), _PAIRS)))
    places, measured = _joined(in_threads(whole, range(0, len(hoped_for), _PAIRS)))
    kept = np.isin(hoped_for, places)
    maps[swapped] = registration.inverted(maps[swapped])
    return found, places, {name: values[kept] for name, values in looked.items()} | measured, maps


def _joined(parts: list[tuple[np.ndarray, dict[str, np.ndarray]]]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The rows of all parts, and their columns; none where there are no rows."""
    parts = [part for part in parts if len(part[0])]
    if not parts:
        return np.zeros(0, int), {}
    return np.concatenate([rows for rows, _ in parts]), {
        name: np.concatenate([columns[name] for _, columns in parts]) for name in parts[0][1]
    }


def _equalised(images: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Images whose neighbourhoods shrink with their maps: float32 (n, side, side)."""
    found = np.empty(images.shape, np.float32)
    for number, shrunk in enumerate(_SHRUNK):
        found[level == number] = landmarks.equalised(images[level == number], landmarks.LOCAL * shrunk)
    return found


def _candidates(first: Signatures, second: Signatures) -> Candidates:
    """The pairs that landmarks or windows suggest; a pair can be there with several maps."""
    same = first is second
    found = [candidates(first.landmarks, second.landmarks), windows.candidates(first.coarse, second.coarse, same)]
    if not same:
        part = windows.candidates(second.coarse, first.coarse, same)
        found.append(Candidates(part.second, part.first, registration.inverted(part.maps), part.votes))
    a, b, maps, votes = (np.concatenate(columns) for columns in zip(*found))
    back = (a > b) & same
    maps[back] = registration.inverted(maps[back])
    return Candidates(np.where(back, b, a), np.where(back, a, b), maps, votes)


def _level(maps: np.ndarray) -> np.ndarray:
    """Which of `_SHRUNK` is about the scale of a map; negative where it enlarges: int (n,)."""
    scale = 0.5 * np.log(np.maximum(np.abs(np.linalg.det(maps[:, :, :2])), 1e-6))
    nearest = np.abs(np.abs(scale)[:, None] + np.log(_SHRUNK)).argmin(1)
    return np.where(scale < 0, nearest, -nearest)


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


def sign(images: Callable[[np.ndarray], np.ndarray], digests: np.ndarray) -> Signatures:
    """Computes the signatures of images.

    Args:
        images: returns the images at some positions, uint8 (n, rows, columns).
        digests: the SHA-256 of each image, str (N,).
    """
    members, names = distinct(digests)
    first = np.array([positions[0] for positions in members], int)
    thumbnails = np.empty((len(names), landmarks.SIDE, landmarks.SIDE), np.uint8)
    coarse = np.empty((len(names), len(_SHRUNK), landmarks.SIDE // 4, landmarks.SIDE // 4), np.float16)

    def part(begin: int) -> Landmarks:
        rows = slice(begin, begin + 64)
        thumbnails[rows] = [landmarks.thumbnail(image) for image in images(first[rows])]
        layers = [landmarks.equalised(thumbnails[rows], landmarks.LOCAL * shrunk) for shrunk in _SHRUNK]
        coarse[rows] = np.stack([_smaller(layer, 4) for layer in layers], 1)
        equalised = layers[0]
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
