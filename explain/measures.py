"""How far an explanation can be trusted: does it point at the finding, does the score hang on it, and on the weights?

All take heat (rows, columns), greater where more speaks for the class. Images without a mask have no pointing, overlap or
energy (NaN).
"""

import numpy as np

from explain.scorers import Scorer

STEPS = 16  # of deletion and insertion: pictures a curve
TOP = 5  # superpixels that LIME's seeds shall agree on
TOLERANCE = 0.03  # of the shorter side, around the finding: Zhang et al. allow 15 pixels of about 500


def pointing(heat: np.ndarray, mask: np.ndarray) -> float:
    """The pointing game (Zhang et al. 2018, arXiv:1608.00507): 1 if the hottest pixel lies in the finding, else 0.

    Of several hottest pixels the share counts that lies inside; a map that is 0 everywhere points nowhere.

    Args:
        mask: (rows, columns), above 0 on the finding.
    """
    if not (mask > 0).any():
        return float("nan")
    if heat.max() <= 0:
        return 0.0
    return float(near(mask)[heat == heat.max()].mean())


def near(mask: np.ndarray) -> np.ndarray:
    """bool (rows, columns): the finding and what lies within the pointing game's tolerance of it."""
    from scipy.ndimage import distance_transform_edt

    return distance_transform_edt(mask <= 0) <= max(1, round(TOLERANCE * min(mask.shape)))


def middle(mask: np.ndarray) -> np.ndarray:
    """The pixels in the middle of (rows, columns): one, or where a side is even, two of it."""
    rows, columns = mask.shape
    return mask[(rows - 1) // 2 : rows // 2 + 1, (columns - 1) // 2 : columns // 2 + 1]


def overlap(heat: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of the finding with as many of the hottest pixels as it has: no threshold is chosen."""
    inside = (mask > 0).ravel()
    count = int(inside.sum())
    if not count:
        return float("nan")
    if heat.max() <= 0:
        return 0.0
    hottest = np.zeros(inside.size, bool)
    hottest[np.argsort(-heat.ravel(), kind="stable")[:count]] = True
    return float((hottest & inside).sum() / (hottest | inside).sum())


def energy(heat: np.ndarray, mask: np.ndarray) -> float:
    """The share of the positive heat that lies in the finding (Wang et al. 2020, arXiv:1910.01279)."""
    if not (mask > 0).any():
        return float("nan")
    positive = np.maximum(heat, 0)
    return float(positive[mask > 0].sum() / positive.sum()) if positive.sum() > 0 else 0.0


def deletion_and_insertion(scores: Scorer, picture: np.ndarray, heat: np.ndarray, chosen: int) -> tuple[float, float]:
    """Areas under the score of the class, 0 … 1, while the hottest pixels go, and while they come (Petsiuk et al. 2018, RISE).

    Deleted pixels take the picture's mean colour; inserted ones come into the blurred picture. A good explanation has a small
    area of deletion and a large one of insertion.

    Args:
        picture: (rows, columns, channels), 0–255; chosen: the class explained.
    """
    from scipy.ndimage import gaussian_filter

    picture = picture.astype(np.float32)
    rows, columns = heat.shape
    blurred = gaussian_filter(picture, (min(rows, columns) / 12, min(rows, columns) / 12, 0))
    empty = np.broadcast_to(picture.mean(axis=(0, 1)), picture.shape)
    order = np.empty(heat.size, int)
    order[np.argsort(-heat.ravel(), kind="stable")] = np.arange(heat.size)
    place = order.reshape(rows, columns, 1)
    counts = np.linspace(0, heat.size, STEPS + 1).round()
    taken = [np.where(place < count, empty, picture) for count in counts]
    given = [np.where(place < count, picture, blurred) for count in counts]
    curve = scores(np.stack([*taken, *given]))[:, chosen]
    return float(np.trapezoid(curve[: STEPS + 1]) / STEPS), float(np.trapezoid(curve[STEPS + 1 :]) / STEPS)


def rank_correlation(heat: np.ndarray, other: np.ndarray) -> float:
    """Spearman's correlation of two maps; 0 where one of them is the same everywhere.

    Adebayo et al. 2018 (arXiv:1810.03292): a map that stays when the network's weights are drawn anew explains the picture,
    not the network.
    """
    from scipy.stats import spearmanr

    if np.ptp(heat) == 0 or np.ptp(other) == 0:
        return 0.0
    return float(spearmanr(heat.ravel(), other.ravel()).statistic)


def agreement(maps: list[np.ndarray], superpixels: np.ndarray) -> float:
    """The mean Jaccard index of the top superpixels over all pairs of LIME's maps of one picture, each with a seed of its own.

    Visani et al. 2022 (J Oper Res Soc 73:91) judge LIME's stability so, by the features that it chooses.

    Args:
        superpixels: (rows, columns), their numbers.
    """
    first = np.unique(superpixels, return_index=True)[1]
    tops = [set(np.argsort(-one.ravel()[first], kind="stable")[:TOP].tolist()) for one in maps]
    pairs = [(a, b) for number, a in enumerate(tops) for b in tops[number + 1 :]]
    return float(np.mean([len(a & b) / len(a | b) for a, b in pairs]))
