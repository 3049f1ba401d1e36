"""Matches the landmarks of two sets of images, and names the pairs of images that may be copies of one another.

The nearest descriptions are looked up in cells (an inverted file: Sivic and Zisserman, "Video Google", ICCV 2003). The
centres of the cells are descriptions chosen at random, so that there are many cells where there are many descriptions. Their
number grows with the root of the number of images, and the cost with its power 1.5.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from indomain.data.images.landmarks import TURNS, Landmarks, turned

_MIN_COSINE = 0.8  # of two descriptions, to count as a match
_NEAREST = 2  # matches of a description
_CELLS = 4  # that each description is stored in
_SINGLES = 8  # pairs of one match only, an image
_BLOCK = 1024  # descriptions looked up at once
_FEW = 4096  # descriptions that are compared with all others


class Candidates(NamedTuple):
    """Pairs of images that may be copies.

    Attributes:
        first: the number of one image, int (n,).
        second: the number of the other, int (n,).
        maps: where the places of the first image are about in the second, float32 (n, 2, 3).
        votes: how many other matches agree with the map, int (n,).
    """

    first: np.ndarray
    second: np.ndarray
    maps: np.ndarray
    votes: np.ndarray


def candidates(first: Landmarks, second: Landmarks) -> Candidates:
    """Finds the pairs of images of which several landmarks match in the same arrangement, or one matches very well.

    Args:
        first: the landmarks of a set of images.
        second: those of another set, or `first` itself: then each pair is named once, the lower number first.
    """
    same = first is second
    query, stored, turn, cosine = _matches(first, second)
    a, b = first.image[query].astype(np.int64), second.image[stored].astype(np.int64)
    back = (a > b) & same
    a, b = np.where(back, b, a), np.where(back, a, b)
    kept = _promising(a, b, cosine)
    query, stored, turn, cosine, a, b, back = (values[kept] for values in (query, stored, turn, cosine, a, b, back))
    # The map of a match lays one square on the other.
    scale = second.reach[stored] / first.reach[query]
    linear = TURNS[turn].transpose(0, 2, 1) * scale[:, None, None]
    shift = second.place[stored] - (linear @ first.place[query][:, :, None])[:, :, 0]
    maps = np.concatenate([linear, shift[:, :, None]], 2)
    inverse = TURNS[turn[back]] / scale[back][:, None, None]
    maps[back] = np.concatenate([inverse, -inverse @ shift[back][:, :, None]], 2)
    votes = np.zeros(len(a), int)
    for gap in range(1, len(a)):
        together = np.flatnonzero((a[gap:] == a[:-gap]) & (b[gap:] == b[:-gap]))
        if not len(together):
            break
        agreed = together[_agree(maps[together], maps[together + gap])]
        votes[agreed] += 1
        votes[agreed + gap] += 1
    # The match that most others agree with stands for the pair.
    order = np.lexsort((-cosine, -votes, b, a))
    a, b, maps, votes, cosine = a[order], b[order], maps[order], votes[order], cosine[order]
    best = np.flatnonzero(np.r_[True, (a[1:] != a[:-1]) | (b[1:] != b[:-1])][: len(a)])
    order = best[np.lexsort((-cosine[best], -votes[best], a[best]))]
    rank = np.arange(len(order)) - np.searchsorted(a[order], a[order])
    order = order[(votes[order] > 0) | (rank < _SINGLES)]
    return Candidates(a[order], b[order], maps[order], votes[order])


def in_threads(function: Callable[[int], Any], items: Sequence[int]) -> list[Any]:
    """Applies a function to each item, in as many threads as there are cores; returns the results in order."""
    from threadpoolctl import threadpool_limits

    # NumPy releases the interpreter's lock; its own threads would only get in the way of these.
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(function, items))


def _promising(a: np.ndarray, b: np.ndarray, cosine: np.ndarray) -> np.ndarray:
    """The matches of pairs with several matches, and the best of the others, sorted by pair."""
    order = np.lexsort((b, a))
    next_is_same = (a[order][1:] == a[order][:-1]) & (b[order][1:] == b[order][:-1])
    several = np.r_[next_is_same, False] | np.r_[False, next_is_same] if len(a) else np.zeros(0, bool)
    single = order[~several]
    single = single[np.lexsort((-cosine[single], a[single]))]
    rank = np.arange(len(single)) - np.searchsorted(a[single], a[single])
    kept = np.concatenate([order[several], single[rank < _SINGLES]])
    return kept[np.lexsort((b[kept], a[kept]))]


def _agree(maps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether two maps send the whole image to about the same place: bool (n,)."""
    difference = np.abs(maps - others)
    size = np.sqrt(np.abs(np.linalg.det(maps[:, :, :2])))
    return (difference @ np.array([0.7, 0.7, 1], np.float32) < 0.5 * size[:, None]).all(1)


def _matches(first: Landmarks, second: Landmarks) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The nearest landmarks in other images: numbers in `first` and `second`, the turn of the first image, the cosine."""
    number, asked = len(second.vector), len(first.vector)
    if not number or not asked:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0, int), np.zeros(0, np.float32)
    count = round(np.sqrt(_CELLS * number)) if number > _FEW else 1
    centres = second.vector[np.sort(np.random.default_rng(0).choice(number, count, replace=False))]
    members = by_cell(np.repeat(np.arange(number), min(_CELLS, count)), nearest(second.vector, centres, _CELLS), count)
    cells = [nearest(turned(first.vector, turn), centres, 1) for turn in range(len(TURNS))]
    askers = by_cell(np.arange(asked * len(TURNS)), np.concatenate(cells), count)

    def look_up(cell: int) -> list[tuple[np.ndarray, ...]]:
        stored = members[cell]
        found: list[tuple[np.ndarray, ...]] = []
        vectors = second.vector[stored].T
        for start in range(0, len(askers[cell]) if len(stored) else 0, _BLOCK):
            turn, query = np.divmod(askers[cell][start : start + _BLOCK], asked)
            rotated = [turned(first.vector[query[turn == one]], one) for one in range(len(TURNS))]
            # Askers are sorted by turn.
            cosines = np.concatenate(rotated) @ vectors
            if first is second:
                # An image is no copy of itself.
                np.putmask(cosines, first.image[query][:, None] == second.image[stored], -1)
            rows = np.arange(len(query))
            for _ in range(min(_NEAREST, len(stored))):
                best = cosines.argmax(1)
                value = cosines[rows, best]
                good = value >= _MIN_COSINE
                found.append((query[good], stored[best[good]], turn[good], value[good]))
                cosines[rows, best] = -1
        return found

    found = [part for parts in in_threads(look_up, range(count)) for part in parts]
    query, stored, turn, cosine = (np.concatenate(parts) for parts in zip(*found))
    return query, stored, turn, cosine


def by_cell(numbers: np.ndarray, cells: np.ndarray, count: int) -> list[np.ndarray]:
    """The numbers in each cell, ascending."""
    return np.split(numbers[np.argsort(cells, kind="stable")], np.cumsum(np.bincount(cells, minlength=count))[:-1])


def nearest(vectors: np.ndarray, centres: np.ndarray, most: int) -> np.ndarray:
    """The nearest centres of each vector, or all if there are fewer than `most`: int32 (m * most,), a vector at a time."""
    most = min(most, len(centres))

    def part(start: int) -> np.ndarray:
        cosines = vectors[start : start + _BLOCK].astype(np.float32, copy=False) @ centres.T
        if most == 1:
            return cosines.argmax(1)
        return np.argpartition(cosines, -most, axis=1)[:, -most:].ravel()

    return np.concatenate(in_threads(part, range(0, len(vectors), _BLOCK))).astype(np.int32)
