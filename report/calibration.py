"""Calibration: a temperature fitted on validation images, reliability, and the threshold for a given sensitivity."""

import numpy as np
from scipy.optimize import minimize_scalar

from indomain.metrics import CALIBRATION_BINS


def temperature(y: np.ndarray, scores: np.ndarray) -> float:
    """The temperature under which the true classes of validation images are most likely (Guo et al. 2017, arXiv:1706.04599).

    Args:
        y: int (n,), class numbers of validation images.
        scores: (n, classes), each row of sum 1.

    Returns:
        1/20 … 20; above 1 if the scores are overconfident.
    """
    # At the temperature T the scores p become p_c^(1/T) / Σ_k p_k^(1/T), which is softmax(log p / T). The temperature
    # minimises the mean cross-entropy
    #     loss(T) = -mean_i log p_i,y(i)(T)
    # It is searched for as log T, so that factors up and down count alike, within e^±3, a factor of about twenty: if all
    # images are classified correctly, the minimum is at T = 0.

    def loss(log_temperature: float) -> float:
        calibrated = tempered(scores, float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(calibrated[np.arange(len(y)), y], 1e-12)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Scores at a temperature: softmax(log score / temperature). The order of the classes does not change.

    Args:
        scores: (n, classes), each row of sum 1.
        temperature: above 0; values above 1 move the scores towards equality.

    Returns:
        (n, classes), each row of sum 1.
    """
    logits = np.log(np.clip(scores, 1e-8, 1.0)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def threshold(is_positive: np.ndarray, score: np.ndarray, sensitivity: float) -> float:
    """The highest threshold that reaches a sensitivity: that share of the positive images scores at or above it.

    Args:
        is_positive: bool (n,), which validation images are positive.
        score: (n,), their scores of the positive class.
        sensitivity: the sensitivity to reach, above 0 and up to 1.

    Returns:
        NaN if no image is positive.
    """
    # Of m positive images, k = ⌈sensitivity · m⌉ must lie at or above the threshold, which is therefore their k-th
    # highest score. The 1e-9 absorbs rounding: 0.07 · 100 is a little more than 7 in floats.
    highest_first = np.sort(score[is_positive])[::-1]
    if not len(highest_first):
        return float("nan")
    return float(highest_first[int(np.ceil(sensitivity * len(highest_first) - 1e-9)) - 1])


def reliability(is_right: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points of a reliability diagram, one per bin of confidence that has images; there are 15 bins of equal width.

    Args:
        is_right: bool (n,), whether the predicted class is the true one.
        confidence: (n,), the score of the predicted class, 0 … 1.

    Returns:
        For each of these bins: the mean confidence, the share of correct predictions, and the number of images.
    """
    member = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    count = np.bincount(member, minlength=CALIBRATION_BINS)
    filled = count > 0
    sums = [np.bincount(member, values, minlength=CALIBRATION_BINS)[filled] for values in (confidence, is_right)]
    return sums[0] / count[filled], sums[1] / count[filled], count[filled]
