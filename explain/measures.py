"""How far an explanation can be trusted: does the score depend on it, and the map on the weights?

All take heat (rows, columns), greater where more speaks for the class. Images without a mask have no pointing, overlap or
energy (NaN).
"""

from collections.abc import Callable
from functools import lru_cache

import keras
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.stats import spearmanr

from explain.lime_maps import superpixels
from explain.registry import EXPLANATIONS, explanation
from explain.scorers import Scorer
from explain.subject import Subject
from indomain.networks import weights

STEPS = 16  # of deletion and insertion: pictures a curve
TOP = 5  # superpixels that LIME's seeds shall agree on
TOLERANCE = 0.03  # of the shorter side, around the finding: Zhang et al. allow 15 pixels of about 500


def pointing_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`pointing` of every image; None without masks."""
    return _each(pointing, subject, heat)


def pointing_by_chance(subject: Subject) -> dict[str, np.ndarray] | None:
    """What maps without any knowledge of the image would reach: findings often lie in the middle (Zhang et al. 2018)."""
    if subject.masks is None:
        return None
    found = [near(mask) if (mask > 0).any() else None for mask in subject.masks]
    return {
        "anywhere": np.array([np.nan if one is None else one.mean() for one in found]),
        "middle": np.array([np.nan if one is None else middle(one).mean() for one in found]),
    }


def overlap_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`overlap` of every image; None without masks."""
    return _each(overlap, subject, heat)


def energy_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`energy` of every image; None without masks."""
    return _each(energy, subject, heat)


def deletion_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray:
    """The area of deletion of every image."""
    return _areas(subject, method)[:, 0]


def insertion_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray:
    """The area of insertion of every image."""
    return _areas(subject, method)[:, 1]


def randomisation_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`rank_correlation` with the map of the same network with every weight re-initialised; None for a fused classifier."""
    if subject.model is None:
        return None
    return np.array([rank_correlation(a, b) for a, b in zip(heat, _randomised_maps(subject, subject.model, method))])


def stability_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`agreement` of LIME's maps over its seeds; None for methods that draw nothing."""
    if "lime_seeds" not in EXPLANATIONS[method].measured_options:
        return None
    options = subject.options
    others = [subject.maps(method, options["seed"] + more) for more in range(1, options["lime_seeds"])]
    parts = [superpixels(image, options["segments"]) for image in subject.images]
    return np.array([agreement(list(maps), part) for *maps, part in zip(heat, *others, parts)])


def _each(function: Callable[[np.ndarray, np.ndarray], float], subject: Subject, heat: np.ndarray) -> np.ndarray | None:
    if subject.masks is None:
        return None
    return np.array([function(one, mask) for one, mask in zip(heat, subject.masks)])


@lru_cache(maxsize=1)
def _areas(subject: Subject, method: str) -> np.ndarray:
    """(N, 2): the areas of deletion and insertion of every image, which one pass of the network gives together."""
    heat = subject.maps(method)
    triples = zip(subject.images, heat, subject.chosen)
    return np.array([deletion_and_insertion(subject.score, image, one, int(chosen)) for image, one, chosen in triples])


def _randomised_maps(subject: Subject, model: keras.Model, method: str) -> np.ndarray:
    kept = model.get_weights()
    weights.initialise(model, subject.options["seed"] + 1)
    try:
        return explanation(method)(subject, subject.options["seed"])
    finally:
        model.set_weights(kept)


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
