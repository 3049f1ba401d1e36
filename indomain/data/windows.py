"""Finds images that show a part of others: the whole of the one is compared with windows of the other.

Landmarks find most parts (`indomain.data.matching`), but small images have few of them, and a part of a small image fewer
still. Here every image is a query, and 96 windows of each image are stored: 60 to 100 % of either side, at steps of a
tenth. They are looked up in cells, as landmarks are; the memory is 10 kB an image while pairs are looked for.
"""

import functools
from typing import NamedTuple

import numpy as np

from indomain.data.images import landmarks
from indomain.data.images.landmarks import TURNS
from indomain.data.matching import Candidates, by_cell, in_threads, nearest

# Sides of windows, and the layer of `Signatures.coarse` whose neighbourhoods shrink about as much.
_SIDES = {0.6: 2, 0.7: 2, 0.8: 1, 0.9: 0, 1.0: 0}
_STEP = 0.1  # between windows, in sides of the image
_MIN_COSINE = 0.55
_PROBED = 6  # cells that a query is looked up in
_NEAREST = 2  # windows of each cell
_MOST = 4  # candidates an image
_SAMPLES = 12  # of a window's side
_BLOCK = 1024


class Window(NamedTuple):
    """A window: its middle and half its sides, (row, column), −1 … 1 from edge to edge."""

    place: tuple[float, float]
    reach: tuple[float, float]
    layer: int


def candidates(first: np.ndarray, second: np.ndarray, same: bool) -> Candidates:
    """Finds the pairs of images of which the first may be a part of the second.

    Args:
        first: as `indomain.data.duplicates.Signatures.coarse`, float16 (n, layers, side, side).
        second: those of another set, or of the same.
        same: whether both are one set: an image is no part of itself.

    Returns:
        The pairs; where the first image is in the second; 0 votes.
    """
    number, asked = len(second), len(first)
    if not number or not asked:
        return Candidates(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 2, 3), np.float32), np.zeros(0, int))
    windows = _windows()
    stored = np.concatenate(in_threads(lambda start: _described(second[start : start + 64]), range(0, number, 64)))
    stored = stored.reshape(number * len(windows), -1)
    whole = np.concatenate(
        in_threads(lambda start: _described(first[start : start + 64], [len(windows) - 1]), range(0, asked, 64))
    )[:, 0].astype(np.float32)
    # As many cells as make finding the cell as dear as looking into it.
    cells = max(round(np.sqrt(len(TURNS) * _PROBED * len(stored) / len(windows))), 1)
    chosen = np.random.default_rng(0).choice(len(stored), min(cells, len(stored)), replace=False)
    centres = stored[np.sort(chosen)].astype(np.float32)
    members = by_cell(np.arange(len(stored)), nearest(stored, centres, 1), len(centres))
    turned = np.concatenate([landmarks.turned(whole, turn) for turn in range(len(TURNS))])
    probed = min(_PROBED, len(centres))
    askers = by_cell(np.repeat(np.arange(len(turned)), probed), nearest(turned, centres, probed), len(centres))

    def look_up(cell: int) -> list[tuple[np.ndarray, ...]]:
        held, found = members[cell], list[tuple[np.ndarray, ...]]()
        if not len(held):
            return found
        vectors = stored[held].astype(np.float32).T
        image = held // len(windows)
        for start in range(0, len(askers[cell]), _BLOCK):
            query = askers[cell][start : start + _BLOCK]
            cosines = turned[query] @ vectors
            if same:
                np.putmask(cosines, (query % asked)[:, None] == image, -1)
            rows = np.arange(len(query))
            for _ in range(min(_NEAREST, len(held))):
                best = cosines.argmax(1)
                value = cosines[rows, best]
                good = value >= _MIN_COSINE
                found.append((query[good], held[best[good]], value[good]))
                cosines[rows, best] = -1
        return found

    # Blank images are in no cell.
    nothing = (np.zeros(0, int), np.zeros(0, int), np.zeros(0, np.float32))
    parts = [nothing, *(part for parts in in_threads(look_up, range(len(centres))) for part in parts)]
    query, window, cosine = (np.concatenate(columns) for columns in zip(*parts))
    (turn, a), (b, window) = np.divmod(query, asked), np.divmod(window, len(windows))
    # The best window of each pair, and the best pairs of each image.
    order = np.lexsort((-cosine, b, a))
    order = order[np.r_[True, (a[order][1:] != a[order][:-1]) | (b[order][1:] != b[order][:-1])][: len(order)]]
    order = order[np.lexsort((-cosine[order], a[order]))]
    rank = np.arange(len(order)) - np.searchsorted(a[order], a[order])
    order = order[rank < _MOST]
    a, b, turn, window = a[order], b[order], turn[order], window[order]
    place = np.array([one.place for one in windows], np.float32)[window]
    reach = np.array([one.reach for one in windows], np.float32)[window]
    maps = np.concatenate([reach[:, :, None] * TURNS[turn].transpose(0, 2, 1), place[:, :, None]], 2)
    return Candidates(a, b, maps, np.zeros(len(a), int))


def _described(coarse: np.ndarray, only: list[int] | None = None) -> np.ndarray:
    """The low frequencies of the windows of images, of norm 1, whether bright or dark: float16 (n, windows, d)."""
    windows, (rows, columns, weight) = _windows(), landmarks.frequencies()
    sides, count = _sides(), len(weight)
    numbers = range(len(windows)) if only is None else only
    found = np.empty((len(coarse), len(numbers), count), np.float32)
    signs = np.empty((len(coarse), len(numbers)), np.float32)
    waves = np.concatenate([_waves(*side) for side in sides], dtype=np.float32)
    for layer in range(coarse.shape[1]):
        # All windows at once: the frequencies of every pair of spans along rows and columns.
        spectrum = (waves @ coarse[:, layer].astype(np.float32) @ waves.T).reshape(
            len(coarse), len(sides), len(waves) // len(sides), len(sides), len(waves) // len(sides)
        )
        for place, number in enumerate(numbers):
            window = windows[number]
            if window.layer == layer:
                along_rows, along_columns = (
                    sides.index((middle, half)) for middle, half in zip(window.place, window.reach)
                )
                part = spectrum[:, along_rows, :, along_columns, :]
                found[:, place] = part[:, rows, columns] * weight
                # As in `landmarks`: an inverted image has the same description.
                signs[:, place] = np.where(part[:, 2, 0] + part[:, 0, 2] < 0, 1, -1)
    norm = np.maximum(np.linalg.norm(found, axis=2), 0.1)  # a blank image has rounding errors only
    return (found * (signs / norm)[:, :, None]).astype(np.float16)


@functools.cache
def _windows() -> tuple[Window, ...]:
    """All windows; the last is the whole image."""
    spans = {side: _spans(side) for side in _SIDES}
    whole = spans[1.0][0]
    windows: list[Window] = []
    for side, layer in _SIDES.items():
        pairs = [(rows, columns) for rows in spans[side] for columns in spans[side]]
        if side < 1:
            # Images that were cropped along one side only.
            pairs = [*((span, whole) for span in spans[side]), *((whole, span) for span in spans[side]), *pairs]
        windows += [Window((r[0], c[0]), (r[1], c[1]), layer) for r, c in pairs]
    return tuple(windows)


def _spans(side: float) -> list[tuple[float, float]]:
    """The middles and half the lengths of the spans of a length along one side of the image."""
    count = round((1 - side) / _STEP * (1.25 if side < 0.65 else 1)) + 1
    return [(float(round(middle, 6)), side) for middle in np.linspace(side - 1, 1 - side, count)]


@functools.cache
def _sides() -> list[tuple[float, float]]:
    return [span for side in _SIDES for span in _spans(side)]


@functools.cache
def _waves(middle: float, half: float) -> np.ndarray:
    """The matrix that samples a span of the coarse image, bilinearly, and gives its low frequencies."""
    side = landmarks.SIDE // 4
    at = np.clip((middle + half * _steps() + 1) * (side / 2) - 0.5, 0, side - 1.001)
    first = at.astype(int)
    samples = np.zeros((_SAMPLES, side))
    samples[np.arange(_SAMPLES), first] = 1 - (at - first)
    samples[np.arange(_SAMPLES), first + 1] = at - first
    frequencies = landmarks.frequencies()[0].max() + 1
    return np.cos(np.pi * np.outer(np.arange(frequencies), (_steps() + 1) / 2)) @ samples


def _steps() -> np.ndarray:
    return (np.arange(_SAMPLES) + 0.5) / _SAMPLES * 2 - 1
