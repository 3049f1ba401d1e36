"""Distances between sets of images by the features of one network, and the likeness of two networks on the same images."""

import numpy as np
from scipy.linalg import eigh

from indomain.errors import RequestError


def frechet(first: np.ndarray, second: np.ndarray) -> float:
    """The squared Fréchet distance of two Gaussians fitted to features: 0 for the same set, biased upward for few images.

    Args:
        first: (images, features).
        second: (other images, the same features).
    """
    means = first.mean(axis=0) - second.mean(axis=0)
    one, two = (np.cov(part.astype(np.float64), rowvar=False) for part in (first, second))
    # tr √(AB) is the sum of the roots of the eigenvalues of √A B √A, which is symmetric.
    values, vectors = eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    inner = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    return max(float(means @ means + np.trace(one) + np.trace(two) - 2 * inner), 0.0)


def debiased_cka(first: np.ndarray, second: np.ndarray) -> float:
    """Linear centred kernel alignment of two networks' features of the same images, with unbiased HSIC (Song et al. 2012).

    1 for the same features up to rotation and scale, about 0 for unrelated ones, however many features there are; the plain
    form is biased upward where images are fewer than features (Murphy et al. 2024).

    Args:
        first: (images, features).
        second: (the same images, other features).

    Raises:
        RequestError: the numbers of images differ, or are below four.
    """
    if len(first) != len(second) or len(first) < 4:
        raise RequestError("CKA compares two networks on the same images, four at least.")
    one, two = (part.astype(np.float64) @ part.astype(np.float64).T for part in (first, second))
    across = _hsic(one, two)
    within = _hsic(one, one) * _hsic(two, two)
    return float(across / np.sqrt(within)) if within > 0 else float("nan")


def _hsic(one: np.ndarray, two: np.ndarray) -> float:
    number = len(one)
    one, two = (kernel - np.diag(np.diag(kernel)) for kernel in (one, two))
    sums = one.sum() * two.sum() / ((number - 1) * (number - 2))
    crossed = 2 * (one.sum(axis=0) @ two.sum(axis=0)) / (number - 2)
    return float(((one * two).sum() + sums - crossed) / (number * (number - 3)))


def otdd(
    first: np.ndarray, y_first: np.ndarray, second: np.ndarray, y_second: np.ndarray, most: int = 500, seed: int = 0
) -> float:
    """The optimal transport distance between two labelled sets (Alvarez-Melis and Fusi 2020).

    The cost of a pair of images is their squared distance plus that of their classes, as Gaussians with diagonal covariance;
    the result is the root of the cheapest plan's mean cost, with any coupling of the images.

    Args:
        first: (images, features).
        y_first: (images,), classes from 0.
        second: (other images, the same features).
        y_second: (other images,), classes from 0.
        most: larger sets are drawn down to so many images, since the cost grows with the square.
        seed: of that draw.

    Raises:
        RequestError: the package `pot` is not installed.
    """
    try:
        import ot
    except ImportError:
        raise RequestError("OTDD needs the package pot: pip install pot.") from None
    rng = np.random.default_rng(seed)
    drawn = []
    for features, y in ((first, y_first), (second, y_second)):
        chosen = rng.permutation(len(y))[:most]
        drawn.append((features[chosen].astype(np.float64), y[chosen]))
    (one, y_one), (two, y_two) = drawn
    of_classes = [
        {label: (part[y == label].mean(axis=0), part[y == label].std(axis=0)) for label in np.unique(y)}
        for part, y in drawn
    ]
    between = {
        (a, b): float(((mean_a - mean_b) ** 2).sum() + ((std_a - std_b) ** 2).sum())
        for a, (mean_a, std_a) in of_classes[0].items()
        for b, (mean_b, std_b) in of_classes[1].items()
    }
    labels = np.array([[between[a, b] for b in y_two] for a in y_one])
    cost = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1) - 2 * one @ two.T + labels
    plan = ot.emd(np.full(len(one), 1 / len(one)), np.full(len(two), 1 / len(two)), np.maximum(cost, 0))
    return float(np.sqrt(max((plan * cost).sum(), 0.0)))
