"""Two sets of images compared by a network's features of them."""

import numpy as np


def kid(first: np.ndarray, second: np.ndarray) -> float:
    """The kernel distance with the kernel (x·y/d + 1)³, unbiased: about 0 for two samples of one population (Bińkowski 2018).

    Args:
        first: (images, features).
        second: (other images, the same features).
    """
    one, two = first.astype(np.float64), second.astype(np.float64)
    within = [_mean_of_pairs(_cubic(part, part)) for part in (one, two)]
    return float(sum(within) - 2 * _cubic(one, two).mean())


def _cubic(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return (first @ second.T / first.shape[1] + 1) ** 3


def _mean_of_pairs(kernel: np.ndarray) -> float:
    number = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (number * (number - 1)))


def density_and_coverage(real: np.ndarray, made: np.ndarray, neighbours: int = 5) -> tuple[float, float]:
    """How near to real images the made ones are, and how many of the real ones have a made one near (Naeem et al. 2020).

    Near a real image is what lies within the distance of its k-th nearest real neighbour. Neither is thrown by an outlier, as
    precision and recall are.

    Args:
        real: (images, features), more than `neighbours`.
        made: (other images, the same features).
        neighbours: k.

    Returns:
        Density: of how many real images a made one is near, divided by k, on average; about 1 for images of the same population,
        and not bounded by it. Coverage: share of the real images that have a made one near, 0 … 1.
    """
    radius = np.sort(_distances(real, real), axis=1)[:, neighbours]
    near = _distances(real, made) <= radius[:, None]
    return float(near.sum(axis=0).mean() / neighbours), float(near.any(axis=1).mean())


def nearest(images: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nearest of other images to each image.

    Args:
        images: (images, features).
        among: (others, the same features).

    Returns:
        Its place among the others, int (images,), and its distance, float (images,).
    """
    distances = _distances(images, among)
    return distances.argmin(axis=1), distances.min(axis=1)


def variety(images: np.ndarray) -> float:
    """The mean distance of two of these images.

    Args:
        images: (images, features), at least two.
    """
    distances = _distances(images, images)
    return float(distances.sum() / (len(images) * (len(images) - 1)))


def _distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one, two = first.astype(np.float64), second.astype(np.float64)
    squares = (one**2).sum(axis=1)[:, None] + (two**2).sum(axis=1) - 2 * one @ two.T
    return np.sqrt(np.maximum(squares, 0))
