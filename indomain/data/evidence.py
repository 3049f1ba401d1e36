"""Whether two registered images are one picture: the log odds of a logistic regression.

Images of one body part agree in their outlines, copies in everything that copying leaves: an image of 28 pixels has hardly
anything but outlines, JPEG destroys the finest structure, and plain skin is noise. No single correlation tells copies from
other patients everywhere. The regression weighs correlations against one another: of the tiles at three scales, of grey levels
and of their ranks, as they are and blurred, beside the map and the contrast. What only one image shows, as a mark, is
left out first. A smaller regression looks first, at half the size, and gives up the pairs that are hardly copies: about one in
five is left to be measured, by set from one in twenty to two in five. `python -m benchmarks gate_weights` fits both to copies and
to pictures of different patients, and measures them on sets that they were not fitted to.
"""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indomain.data.images import landmarks, registration

_SCALES = (landmarks.LOCAL, 2 * landmarks.LOCAL, 4 * landmarks.LOCAL)  # of the neighbourhoods, in sides of the image
_QUANTILES = (0.2, 0.5)  # of the tiles' correlations
_TILES = 8  # a side
_SHARPNESS = ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2))  # blurs of the first and the second image, in pixels
_GREY_BLURS, _RANK_BLURS = (0, 1, 2, 4), (0, 1, 2)  # in pixels
_BLURS_OF_RANKS = (1, 2)  # in pairs of pixels
_BLOCKS = 16  # a side, of which those that differ most are left out
_DISTURBED = 0.08  # share of the blocks


class Regression(NamedTuple):
    """A logistic regression.

    Attributes:
        min_log_odds: below it, a pair is given up.
        intercept: the log odds where all columns are 0.
        weights: of the columns by their names.
    """

    min_log_odds: float
    intercept: float
    weights: dict[str, float]

    def log_odds(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        """The log odds that pairs are copies, before it is asked how rare copies are: float64 (n,).

        Args:
            columns: of `features` or `first_look`, float64 (n,); those without a weight do not count.
        """
        return sum((weight * columns[name] for name, weight in self.weights.items()), np.full((), self.intercept))


_TEXT = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
FITTED = hashlib.sha256(_TEXT.encode()).hexdigest()[:12]  # names the weights
COPY = Regression(**json.loads(_TEXT)["copy"])  # of `features`
FIRST_LOOK = Regression(**json.loads(_TEXT)["first look"])  # of `first_look`


def first_look(first: np.ndarray, second: np.ndarray, inside: np.ndarray, maps: np.ndarray) -> dict[str, np.ndarray]:
    """Measures in little time what tells most pairs of different pictures from copies.

    Args:
        first: as `landmarks.equalised`, float32 (n, side, side) of half the size or less.
        second: the same of the images that were laid on the first.
        inside: 1 where both images are known, else 0, float32 (n, side, side).
        maps: that laid the second image on the first, float32 (n, 2, 3).

    Returns:
        Columns of float64 (n,), whose names are not those of `features`. Correlations are Fisher-transformed.
    """
    counted = registration.cut(inside, _TILES).mean(2) > 0.5
    correlations, contrast = registration.tile_correlations(first, second, inside, _TILES)
    columns = {f"tiles {share:g}": _fisher(_quantile(correlations, counted, share)) for share in _QUANTILES}
    columns["weighted tiles"] = _fisher((contrast * correlations).sum(1) / np.maximum(contrast.sum(1), 1e-6))
    columns["whole"] = _fisher(registration.correlation(first, second, inside))
    columns |= {"contrast of tiles": contrast.mean(1), **_of_maps(maps)}
    return {f"first look: {name}": values.astype(np.float64) for name, values in columns.items()}


def features(first: np.ndarray, second: np.ndarray, inside: np.ndarray, maps: np.ndarray) -> dict[str, np.ndarray]:
    """Measures pairs of images, the second of each laid on the first.

    Args:
        first: grey levels, float32 (n, SIDE, SIDE).
        second: float32 (n, SIDE, SIDE), an inverted copy inverted back.
        inside: 1 where both images are known, else 0, float32 (n, SIDE, SIDE).
        maps: that laid the second image on the first, float32 (n, 2, 3).

    Returns:
        Columns of float64 (n,). Correlations are Fisher-transformed.
    """
    clear = undisturbed(first, second, inside)
    columns: dict[str, np.ndarray] = {}
    counted = registration.cut(clear, _TILES).mean(2) > 0.5
    chosen = np.zeros(len(first), int)
    for scale in _SCALES:
        name = f"{scale:g}"
        a, b = (landmarks.equalised(images, scale, clear) for images in (first, second))
        if scale == _SCALES[0]:
            # The sharper image is blurred like the other.
            tried = [registration.correlation(_blurred(a, one), _blurred(b, other), clear) for one, other in _SHARPNESS]
            chosen = np.argmax(tried, 0)
        for number, blurs in enumerate(_SHARPNESS):
            for images, pixels in zip((a, b), blurs):
                if pixels:
                    images[chosen == number] = landmarks.blurred(images[chosen == number], pixels)
        correlations, contrast = registration.tile_correlations(a, b, clear, _TILES)
        for share in _QUANTILES:
            columns[f"tiles {share:g} at {name}"] = _fisher(_quantile(correlations, counted, share))
        weight = np.where(counted, contrast, 0)
        columns[f"weighted tiles at {name}"] = _fisher((weight * correlations).sum(1) / np.maximum(weight.sum(1), 1e-6))
    for pixels in _GREY_BLURS:
        a, b = (_blurred(images, pixels) for images in (first, second))
        columns[f"grey levels blurred by {pixels}"] = _fisher(registration.correlation(a, b, clear))
    fewer = clear[:, ::2, ::2]
    for pixels in _RANK_BLURS:
        a, b = (_ranks(_blurred(images, pixels), clear) for images in (first, second))
        columns[f"ranks of grey levels blurred by {pixels}"] = _fisher(registration.correlation(a, b, fewer))
        for more in _BLURS_OF_RANKS if not pixels else ():
            softer_a, softer_b = landmarks.blurred(a, more), landmarks.blurred(b, more)
            columns[f"blurred ranks, by {more}"] = _fisher(registration.correlation(softer_a, softer_b, fewer))
    columns |= _of_maps(maps)
    columns["contrast"] = np.log1p(np.minimum(_contrast(first, clear), _contrast(second, clear)))
    return {name: values.astype(np.float64) for name, values in columns.items()}


def undisturbed(first: np.ndarray, second: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Leaves out the blocks in which registered images differ most, as by a burnt-in mark: copies and others alike.

    Args:
        first: float32 (n, SIDE, SIDE).
        second: float32 (n, SIDE, SIDE).
        inside: 1 where both images are known, else 0, float32 (n, SIDE, SIDE).

    Returns:
        1 where they are compared, float32 (n, SIDE, SIDE).
    """
    a, b = landmarks.blurred(first, 1), landmarks.blurred(second, 1)
    known = registration.cut(inside, _BLOCKS).sum(2)
    counted = known > 0.25 * (landmarks.SIDE // _BLOCKS) ** 2
    left_out = np.round(_DISTURBED * counted.sum(1)).astype(int)
    clear = inside
    # What is left out no longer decides about brightness and contrast the second time.
    for _ in range(2):
        difference = (_standardised(a, clear) - _standardised(b, clear)) ** 2 * inside
        energy = np.where(counted, registration.cut(difference, _BLOCKS).sum(2) / np.maximum(known, 1), -1)
        kept = (-energy).argsort(1).argsort(1) >= left_out[:, None]
        kept = kept.reshape(len(first), _BLOCKS, _BLOCKS)
        clear = inside * np.kron(kept, np.ones((1, landmarks.SIDE // _BLOCKS, landmarks.SIDE // _BLOCKS), np.float32))
    return clear


def deviation(maps: np.ndarray) -> np.ndarray:
    """How far maps are from the nearest of the eight turns and mirrorings of the square, in half sides: float32 (n,)."""
    turns = np.concatenate([landmarks.TURNS, np.zeros((len(landmarks.TURNS), 2, 1), np.float32)], 2)
    return np.abs(maps[:, None] - turns).max((2, 3)).min(1)


def _of_maps(maps: np.ndarray) -> dict[str, np.ndarray]:
    # An accident lays images of different patients on one another askew; most copies keep their frame.
    return {"scale": np.log(np.abs(np.linalg.det(maps[:, :, :2]))), "deviation": np.log(deviation(maps) + 0.005)}


def _blurred(images: np.ndarray, pixels: int) -> np.ndarray:
    return landmarks.blurred(images, pixels) if pixels else images


def _quantile(values: np.ndarray, counted: np.ndarray, share: float) -> np.ndarray:
    """A quantile of the values that count in each row (n, m) -> (n,)."""
    ordered = np.sort(np.where(counted, values, np.inf), 1)
    place = (share * np.maximum(counted.sum(1) - 1, 0)).astype(int)
    return np.where(counted.any(1), ordered[np.arange(len(ordered)), place], 0)


def _fisher(correlations: np.ndarray) -> np.ndarray:
    return np.arctanh(np.clip(correlations, -0.5, 0.9995))


def _ranks(images: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """The rank of every other pixel in its image, float32 (n, SIDE / 2, SIDE / 2): no monotone change of brightness changes it.

    What is not clear has a middle rank, and changes none.
    """
    from scipy import stats

    images, clear = images[:, ::2, ::2], clear[:, ::2, ::2]
    flat = np.where(clear > 0, images, np.inf).reshape(len(images), images.shape[1] * images.shape[2])
    # Equal pixels, as in black corners, share their mean rank, whatever order a sort leaves them in.
    ranks = stats.rankdata(flat, axis=1)
    middle = (clear.sum((1, 2), keepdims=True) + 1) / 2
    return np.where(clear > 0, ranks.reshape(images.shape), middle).astype(np.float32)


def _moments(images: np.ndarray, clear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the clear pixels, both (n, 1, 1)."""
    area = np.maximum(clear.sum((1, 2), keepdims=True), 1)
    mean = (images * clear).sum((1, 2), keepdims=True) / area
    return mean, np.sqrt(((images - mean) ** 2 * clear).sum((1, 2), keepdims=True) / area)


def _standardised(images: np.ndarray, clear: np.ndarray) -> np.ndarray:
    mean, deviation = _moments(images, clear)
    return (images - mean) / (deviation + 1e-3)


def _contrast(images: np.ndarray, clear: np.ndarray) -> np.ndarray:
    return _moments(images, clear)[1][:, 0, 0]
