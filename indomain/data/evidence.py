"""Whether two registered images are one picture: the log odds of a logistic regression.

Images of one body part agree in their outlines, copies in everything that copying leaves: an image of 28 pixels has hardly
anything but outlines, JPEG destroys the finest structure, and plain skin is noise. No single correlation tells copies from
other patients everywhere. The regression weighs correlations at three scales, of the whole common area and of its tiles,
against one another. `python -m benchmarks gate_weights` fits it to copies and to pictures of different patients, and
measures it on sets that it was not fitted to.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from indomain.data.images import landmarks, registration

_TEXT = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
FITTED = hashlib.sha256(_TEXT.encode()).hexdigest()[:12]  # names the weights
MIN_LOG_ODDS: float = json.loads(_TEXT)["min_log_odds"]  # of a copy
_INTERCEPT: float = json.loads(_TEXT)["intercept"]
_WEIGHTS: dict[str, float] = json.loads(_TEXT)["weights"]
SCALES = (landmarks.LOCAL, 2 * landmarks.LOCAL, 4 * landmarks.LOCAL)  # of the neighbourhoods, in sides of the image
_QUANTILES = (0.1, 0.2, 0.5)  # of the tiles' correlations
_TILES = 8  # a side
_BLURS = ((0, 0), (1, 0), (2, 0), (0, 1), (0, 2))  # of the first and the second image, in pixels
_STILL = 0.05  # half sides that a map may differ from a turn, to be in place


def features(
    first: np.ndarray, second: np.ndarray, inside: np.ndarray, maps: np.ndarray, votes: np.ndarray
) -> dict[str, np.ndarray]:
    """Measures pairs of images, the second of each laid on the first.

    Args:
        first: grey levels, float32 (n, SIDE, SIDE).
        second: float32 (n, SIDE, SIDE), an inverted copy inverted back.
        inside: 1 where both images are known, else 0, float32 (n, SIDE, SIDE).
        maps: that laid the second image on the first, float32 (n, 2, 3).
        votes: further landmarks that agree, int (n,).

    Returns:
        Columns of float64 (n,). Correlations are Fisher-transformed.
    """
    columns: dict[str, np.ndarray] = {}
    counted = registration.cut(inside, _TILES).mean(2) > 0.5
    chosen = np.zeros(len(first), int)
    for scale in SCALES:
        name = f"{scale:g}"
        a, b = (landmarks.equalised(images, scale, inside) for images in (first, second))
        if scale == SCALES[0]:
            # The sharper image is blurred like the other.
            tried = [registration.correlation(_blurred(a, one), _blurred(b, other), inside) for one, other in _BLURS]
            chosen = np.argmax(tried, 0)
        for number, blurs in enumerate(_BLURS):
            for images, pixels in zip((a, b), blurs):
                if pixels:
                    images[chosen == number] = landmarks.blurred(images[chosen == number], pixels)
        correlations, contrast = registration.tile_correlations(a, b, inside, _TILES)
        for share in _QUANTILES:
            columns[f"tiles {share:g} at {name}"] = _fisher(_quantile(correlations, counted, share))
        weight = np.where(counted, contrast, 0)
        columns[f"weighted tiles at {name}"] = _fisher((weight * correlations).sum(1) / np.maximum(weight.sum(1), 1e-6))
        columns[f"whole at {name}"] = _fisher(registration.correlation(a, b, inside))
    # Every other pixel will do.
    fewer = [images[:, ::2, ::2] for images in (first, second, inside)]
    columns["ranks"] = _fisher(registration.correlation(_ranks(fewer[0]), _ranks(fewer[1]), fewer[2]))
    columns["scale"] = np.log(np.abs(np.linalg.det(maps[:, :, :2])))
    columns["in place"] = in_place(maps).astype(float)
    columns["votes"] = np.log1p(votes)
    return {name: values.astype(np.float64) for name, values in columns.items()}


def log_odds(columns: dict[str, np.ndarray]) -> np.ndarray:
    """The log odds that pairs are copies, before it is asked how rare copies are: float64 (n,).

    Args:
        columns: of `features`.
    """
    return sum((weight * columns[name] for name, weight in _WEIGHTS.items()), np.full((), _INTERCEPT))


def in_place(maps: np.ndarray) -> np.ndarray:
    """Whether a map is one of the eight turns and mirrorings of the square, and nothing else: bool (n,)."""
    turns = np.concatenate([landmarks.TURNS, np.zeros((len(landmarks.TURNS), 2, 1), np.float32)], 2)
    return (np.abs(maps[:, None] - turns).max((2, 3)) <= _STILL).any(1)


def _blurred(images: np.ndarray, pixels: int) -> np.ndarray:
    return landmarks.blurred(images, pixels) if pixels else images


def _quantile(values: np.ndarray, counted: np.ndarray, share: float) -> np.ndarray:
    """A quantile of the values that count in each row (n, m) -> (n,)."""
    ordered = np.sort(np.where(counted, values, np.inf), 1)
    place = (share * np.maximum(counted.sum(1) - 1, 0)).astype(int)
    return np.where(counted.any(1), ordered[np.arange(len(ordered)), place], 0)


def _fisher(correlations: np.ndarray) -> np.ndarray:
    return np.arctanh(np.clip(correlations, -0.5, 0.995))


def _ranks(images: np.ndarray) -> np.ndarray:
    """The rank of each pixel in its image: no monotone change of brightness changes it."""
    flat = images.reshape(len(images), images.shape[1] * images.shape[2])
    ranks = np.empty(flat.shape, np.float32)
    np.put_along_axis(ranks, flat.argsort(1), np.arange(flat.shape[1], dtype=np.float32)[None], 1)
    return ranks.reshape(images.shape)
