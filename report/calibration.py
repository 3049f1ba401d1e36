"""Reliability, and the threshold for a given sensitivity."""

import numpy as np

from indomain.metrics import CALIBRATION_BINS


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
