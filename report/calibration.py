"""Scores as probabilities: a temperature fitted on validation images, reliability, and the threshold of a stated sensitivity."""

import numpy as np
from scipy.optimize import minimize_scalar

from indomain.metrics import CALIBRATION_BINS


def temperature(y: np.ndarray, scores: np.ndarray) -> float:
    """The T that makes softmax(log score / T) likeliest (Guo et al. 2017, arXiv:1706.04599); above 1: the scores were too sure.

    Args:
        y: (n,) class numbers; scores: (n, classes), of validation images.
    """

    def loss(logarithm: float) -> float:
        warmed = tempered(scores, float(np.exp(logarithm)))
        return float(-np.log(np.maximum(warmed[np.arange(len(y)), y], 1e-12)).mean())

    # Where every validation image is right, the likeliest temperature is 0: it is kept within a factor of twenty.
    return float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))


def tempered(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Scores (n, classes) at a temperature, each row of sum 1; the order of the classes stays."""
    logits = np.log(np.clip(scores, 1e-8, 1.0)) / temperature
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def threshold(is_positive: np.ndarray, score: np.ndarray, sensitivity: float) -> float:
    """The highest threshold at which at least the share `sensitivity` of the positive images lies at or above it.

    Args:
        is_positive: (n,) bool; score: (n,) of the positive class; of validation images.
    """
    highest_first = np.sort(score[is_positive])[::-1]
    if not len(highest_first):
        return float("nan")
    return float(highest_first[int(np.ceil(sensitivity * len(highest_first) - 1e-9)) - 1])


def reliability(is_right: np.ndarray, confidence: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The reliability diagram: mean confidence, share that is right, and number, of each bin that has images.

    Args:
        is_right: (n,) whether the class given is the true one; confidence: (n,) its score, in 15 equal bins.
    """
    member = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    count = np.bincount(member, minlength=CALIBRATION_BINS)
    there = count > 0
    sums = [np.bincount(member, values, minlength=CALIBRATION_BINS)[there] for values in (confidence, is_right)]
    return sums[0] / count[there], sums[1] / count[there], count[there]
