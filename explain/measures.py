"""How far an explanation can be trusted: does the score depend on what it shows, and does the map depend on the weights?

All measures take heat (rows, columns), larger where the evidence for the class is stronger. A blank map has no value, NaN:
there is no evidence to point with, to delete, or to agree on, and 0 would be a miss in one measure and the best result in
another. For randomisation alone the map need only vary, since all that it takes is ranks.
"""

from collections.abc import Callable
from functools import lru_cache

import keras
import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter
from scipy.stats import spearmanr

from explain.lime_maps import superpixels
from explain.registry import EXPLANATIONS, explanation
from explain.subject import Subject
from indomain.networks import weights
from indomain.networks.scoring import Scorer

STEPS = 16  # steps of each deletion or insertion curve
TOP = 5  # number of top superpixels on which LIME's seeds should agree
TOLERANCE = 0.03  # margin around the finding, as a share of the shorter side; Zhang et al. allow 15 pixels of about 500


def pointing_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`pointing` of every image, (n,); None without masks.

    Args:
        subject: what is explained.
        method: name of the explanation.
        heat: its maps, (n, rows, columns).
    """
    return _each(pointing, subject, heat)


def pointing_by_chance(subject: Subject) -> dict[str, np.ndarray] | None:
    """The `pointing` of maps that ignore the image: a random pixel, and the middle, where findings often lie (Zhang et al. 2018).

    Args:
        subject: what is explained.

    Returns:
        "anywhere" and "middle" -> (n,), NaN for images without a finding; None without masks.
    """
    if subject.masks is None:
        return None
    hits = [near(mask) if (mask > 0).any() else None for mask in subject.masks]
    return {
        "anywhere": np.array([np.nan if hit is None else hit.mean() for hit in hits]),
        "middle": np.array([np.nan if hit is None else middle(hit).mean() for hit in hits]),
    }


def overlap_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`overlap` of every image, (n,); None without masks.

    Args:
        subject: what is explained.
        method: name of the explanation.
        heat: its maps, (n, rows, columns).
    """
    return _each(overlap, subject, heat)


def energy_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`energy` of every image, (n,); None without masks.

    Args:
        subject: what is explained.
        method: name of the explanation.
        heat: its maps, (n, rows, columns).
    """
    return _each(energy, subject, heat)


def deletion_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray:
    """The area under the deletion curve of every image, (n,); see `deletion_and_insertion`.

    Args:
        subject: what is explained.
        method: name of the explanation.
        heat: its maps, (n, rows, columns).

    Returns:
        NaN for blank maps.
    """
    return _areas(subject, method)[:, 0]


def insertion_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray:
    """The area under the insertion curve of every image, (n,); see `deletion_and_insertion`.

    Args:
        subject: what is explained.
        method: name of the explanation.
        heat: its maps, (n, rows, columns).

    Returns:
        NaN for blank maps.
    """
    return _areas(subject, method)[:, 1]


def randomisation_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`rank_correlation` with the maps of the same network after re-initialising all weights, (n,).

    Args:
        subject: what is explained.
        method: name of the explanation.
        heat: its maps, (n, rows, columns).

    Returns:
        NaN where either map is the same everywhere; None for a fused classifier.
    """
    if subject.model is None:
        return None
    return np.array([rank_correlation(a, b) for a, b in zip(heat, _randomised_maps(subject, subject.model, method))])


def stability_of(subject: Subject, method: str, heat: np.ndarray) -> np.ndarray | None:
    """`agreement` of LIME's maps over its seeds, (n,).

    Args:
        subject: what is explained.
        method: name of the explanation.
        heat: its maps with the recipe's seed, (n, rows, columns).

    Returns:
        NaN where the map of any seed is blank; None for methods without a random part.
    """
    if "lime_seeds" not in EXPLANATIONS[method].measured_options:
        return None
    options = subject.options
    maps = [heat, *(subject.maps(method, options["seed"] + number) for number in range(1, options["lime_seeds"]))]
    segments = [superpixels(image, options["segments"]) for image in subject.images]
    return np.array(
        [
            np.nan if any(map(is_blank, of_image)) else agreement(of_image, segment)
            for *of_image, segment in zip(*maps, segments)
        ]
    )


def _each(function: Callable[[np.ndarray, np.ndarray], float], subject: Subject, heat: np.ndarray) -> np.ndarray | None:
    if subject.masks is None:
        return None
    return np.array([function(image_heat, mask) for image_heat, mask in zip(heat, subject.masks)])


@lru_cache(maxsize=1)
def _areas(subject: Subject, method: str) -> np.ndarray:
    """(n, 2): the areas of deletion and insertion of every image, cached because one forward pass computes both."""
    areas = np.full((len(subject.images), 2), np.nan)
    for number, heat in enumerate(subject.maps(method)):
        if not is_blank(heat):
            image, chosen = subject.images[number], int(subject.chosen[number])
            areas[number] = deletion_and_insertion(subject.score, image, heat, chosen)
    return areas


def _randomised_maps(subject: Subject, model: keras.Model, method: str) -> np.ndarray:
    """The maps of the network after re-initialising all its weights, which are restored afterwards."""
    original = model.get_weights()
    weights.initialise(model, subject.options["seed"] + 1)
    try:
        return explanation(method)(subject, subject.options["seed"])
    finally:
        model.set_weights(original)


def is_blank(heat: np.ndarray) -> bool:
    """Whether a map shows no evidence for the class: nothing in it is positive, or it is the same everywhere.

    Args:
        heat: (rows, columns).
    """
    return bool(heat.max() <= 0 or np.ptp(heat) == 0)


def pointing(heat: np.ndarray, mask: np.ndarray) -> float:
    """The pointing game (Zhang et al. 2018, arXiv:1608.00507): 1 if the hottest pixel lies in the finding, else 0.

    If several pixels are equally hot, the share of them that lies inside counts.

    Args:
        heat: (rows, columns).
        mask: (rows, columns), above 0 on the finding.

    Returns:
        0 … 1; NaN for a blank map, which points nowhere, and without a finding.
    """
    if is_blank(heat) or not (mask > 0).any():
        return float("nan")
    return float(near(mask)[heat == heat.max()].mean())


def near(mask: np.ndarray) -> np.ndarray:
    """bool (rows, columns): the finding and a margin of the pointing game's tolerance around it.

    Args:
        mask: (rows, columns), above 0 on the finding.
    """
    return distance_transform_edt(mask <= 0) <= max(1, round(TOLERANCE * min(mask.shape)))


def middle(mask: np.ndarray) -> np.ndarray:
    """The pixels in the middle of an array: one along each side, or two where the side is even.

    Args:
        mask: (rows, columns).
    """
    rows, columns = mask.shape
    return mask[(rows - 1) // 2 : rows // 2 + 1, (columns - 1) // 2 : columns // 2 + 1]


def overlap(heat: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of the finding with equally many of the hottest pixels, so that no threshold is needed.

    Args:
        heat: (rows, columns).
        mask: (rows, columns), above 0 on the finding.

    Returns:
        0 … 1; NaN for a blank map, which has no hottest pixels, and without a finding.
    """
    inside = (mask > 0).ravel()
    count = int(inside.sum())
    if is_blank(heat) or not count:
        return float("nan")
    hottest = np.zeros(inside.size, bool)
    hottest[np.argsort(-heat.ravel(), kind="stable")[:count]] = True
    return float((hottest & inside).sum() / (hottest | inside).sum())


def energy(heat: np.ndarray, mask: np.ndarray) -> float:
    """The share of the positive heat that lies in the finding (Wang et al. 2020, arXiv:1910.01279).

    Args:
        heat: (rows, columns).
        mask: (rows, columns), above 0 on the finding.

    Returns:
        0 … 1; NaN for a blank map, which has no heat to share out, and without a finding.
    """
    if is_blank(heat) or not (mask > 0).any():
        return float("nan")
    positive = np.maximum(heat, 0)
    return float(positive[mask > 0].sum() / positive.sum())


def deletion_and_insertion(scores: Scorer, image: np.ndarray, heat: np.ndarray, chosen: int) -> tuple[float, float]:
    """Areas under the class's score while the hottest pixels are deleted or inserted (Petsiuk et al. 2018, RISE).

    Deleted pixels become the image's mean colour; inserted pixels replace those of the blurred image. A good explanation
    has a small area of deletion and a large area of insertion.

    Args:
        scores: from images to scores.
        image: (rows, columns, channels), 0–255.
        heat: (rows, columns), not blank.
        chosen: number of the class explained.

    Returns:
        The areas of deletion and of insertion, 0 … 1 each.
    """
    # With s(q) the class's score once the share q of the pixels, the hottest first, has been deleted or inserted, the
    # area is ∫ s(q) dq from 0 to 1, by the trapezoidal rule at q = 0, 1/STEPS, …, 1.
    image = image.astype(np.float32)
    rows, columns = heat.shape
    blurred = gaussian_filter(image, (min(rows, columns) / 12, min(rows, columns) / 12, 0))
    empty = np.broadcast_to(image.mean(axis=(0, 1)), image.shape)
    order = np.empty(heat.size, int)
    order[np.argsort(-heat.ravel(), kind="stable")] = np.arange(heat.size)
    rank = order.reshape(rows, columns, 1)
    counts = np.linspace(0, heat.size, STEPS + 1).round()
    deleted = [np.where(rank < count, empty, image) for count in counts]
    inserted = [np.where(rank < count, image, blurred) for count in counts]
    curve = scores(np.stack([*deleted, *inserted]))[:, chosen]
    return float(np.trapezoid(curve[: STEPS + 1]) / STEPS), float(np.trapezoid(curve[STEPS + 1 :]) / STEPS)


def rank_correlation(heat: np.ndarray, other: np.ndarray) -> float:
    """Spearman's rank correlation of two maps without its sign, 0 … 1.

    Adebayo et al. 2018 (arXiv:1810.03292): a map that does not change when the network's weights are re-initialised
    explains the image, not the network. A map turned upside down is still a map of the image: with signs, maps that are
    alike and maps that are opposite would cancel to a mean near 0.

    Args:
        heat: (rows, columns).
        other: (rows, columns).

    Returns:
        NaN where one of them is the same everywhere, since it has no ranks.
    """
    if np.ptp(heat) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(abs(spearmanr(heat.ravel(), other.ravel()).statistic))


def agreement(maps: list[np.ndarray], superpixels: np.ndarray) -> float:
    """The mean Jaccard index of the top superpixels over all pairs of LIME maps of one image.

    Visani et al. 2022 (J Oper Res Soc 73:91) measure LIME's stability in this way, by the features that it selects.

    Args:
        maps: (rows, columns) each, from different seeds; at least two.
        superpixels: int (rows, columns), number of each pixel's superpixel.

    Returns:
        0 … 1.
    """
    # With T_a the TOP superpixels of highest weight in map a, the index of two maps is
    #     J(a, b) = |T_a ∩ T_b| / |T_a ∪ T_b|
    # A map is constant on each superpixel, so one pixel of each, the first, has its weight.
    first = np.unique(superpixels, return_index=True)[1]
    tops = [set(np.argsort(-heat.ravel()[first], kind="stable")[:TOP].tolist()) for heat in maps]
    pairs = [(a, b) for number, a in enumerate(tops) for b in tops[number + 1 :]]
    return float(np.mean([len(a & b) / len(a | b) for a, b in pairs]))
