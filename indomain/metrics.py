"""Metrics of scores against true classes, each with one weight an image, for many sets of weights at once.

Weights make one function serve the plain value (all 1) and every bootstrap sample (how often each image was drawn).
All take y (N,), scores (N, C) and weights (B, N), and give (B,); NaN where a value is not defined. Two classes: the
positive class is number `positive`; F1, precision, sensitivity and specificity are its own, `f1_macro` and
`balanced_accuracy` are means over the classes.
"""

from collections.abc import Callable

import numpy as np

CALIBRATION_BINS = 15  # Guo et al. 2017 (arXiv:1706.04599)


def evaluate(
    names: list[str], y: np.ndarray, scores: np.ndarray, positive: int | None = None, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The named metrics.

    Args:
        y: (N,), class numbers.
        scores: (N, C), each row of sum 1.
        positive: number of the positive class; None: the last of two, or no such class.
        weights: (B, N) or None for one row of ones.

    Returns:
        name -> (B,).
    """
    weights = np.ones((1, len(y))) if weights is None else np.atleast_2d(weights).astype(float)
    if positive is None and scores.shape[1] == 2:
        positive = 1
    return {name: METRICS[name](y, scores, weights, positive) for name in names}


def confusion(y: np.ndarray, predicted: np.ndarray, classes: int, weights: np.ndarray) -> np.ndarray:
    """(B, true, predicted) confusion matrices."""
    cell = np.zeros((len(y), classes * classes))
    cell[np.arange(len(y)), y * classes + predicted] = 1
    return (weights @ cell).reshape(-1, classes, classes)


def of_confusion(matrix: np.ndarray, positive: int | None) -> dict[str, np.ndarray]:
    """All metrics that follow from confusion matrices (B, true, predicted)."""
    total = matrix.sum(axis=(1, 2))
    hits = np.diagonal(matrix, axis1=1, axis2=2)
    true, given = matrix.sum(axis=2), matrix.sum(axis=1)
    recall, precision = _ratio(hits, true), _ratio(hits, given)
    f1 = _ratio(2 * hits, true + given)
    agreed, by_chance = _ratio(hits.sum(axis=1), total), _ratio((true * given).sum(axis=1), total**2)
    covariance = total * hits.sum(axis=1) - (true * given).sum(axis=1)
    spread = np.sqrt((total**2 - (given**2).sum(axis=1)) * (total**2 - (true**2).sum(axis=1)))
    found = {
        "accuracy": agreed,
        "balanced_accuracy": recall.mean(axis=1),
        "f1_macro": f1.mean(axis=1),
        # Cohen 1960; 0 where chance alone would agree wholly.
        "kappa": np.where(by_chance < 1, (agreed - by_chance) / np.where(by_chance < 1, 1 - by_chance, 1), 0.0),
        # Gorodkin 2004 for several classes; 0 by convention where a margin is empty.
        "mcc": np.where(spread > 0, covariance / np.where(spread > 0, spread, 1), 0.0),
    }
    if positive is None:
        nothing = np.full(len(matrix), np.nan)
        return {**found, "f1": f1.mean(axis=1), "sensitivity": nothing, "specificity": nothing, "precision": nothing}
    others = total - true[:, positive]
    missed_others = given[:, positive] - hits[:, positive]
    return {
        **found,
        "f1": f1[:, positive],
        "sensitivity": recall[:, positive],
        "specificity": _ratio(others - missed_others, others),
        # By convention 0 where nothing was called positive.
        "precision": np.where(given[:, positive] > 0, precision[:, positive], 0.0),
    }


def auroc(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Area under the ROC curve; for several classes the mean of one against the rest."""
    if positive is not None:
        return _auroc_of(y == positive, scores[:, positive], weights)
    return np.mean([_auroc_of(y == number, scores[:, number], weights) for number in range(scores.shape[1])], axis=0)


def auprc(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Average precision (area under the precision–recall steps); for several classes the mean of one against the rest."""
    if positive is not None:
        return _average_precision(y == positive, scores[:, positive], weights)
    parts = [_average_precision(y == number, scores[:, number], weights) for number in range(scores.shape[1])]
    return np.mean(parts, axis=0)


def brier(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Brier score: for two classes the mean of (score − truth)², for several the sum over the classes."""
    if positive is not None and scores.shape[1] == 2:
        errors = (scores[:, positive] - (y == positive)) ** 2
    else:
        errors = ((scores - np.eye(scores.shape[1])[y]) ** 2).sum(axis=1)
    return (weights @ errors) / weights.sum(axis=1)


def ece(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Expected calibration error of the class given, in 15 equal bins of its score (Guo et al. 2017)."""
    confidence, right = scores.max(axis=1), (scores.argmax(axis=1) == y).astype(float)
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    member = np.eye(CALIBRATION_BINS)[bins]
    gap = weights @ (member * (right - confidence)[:, None])
    return np.abs(gap).sum(axis=1) / weights.sum(axis=1)


def _from_confusion(name: str) -> Callable:
    def metric(y, scores, weights, positive):
        matrix = confusion(y, scores.argmax(axis=1), scores.shape[1], weights)
        return of_confusion(matrix, positive)[name]

    metric.__name__ = name
    return metric


METRICS: dict[str, Callable] = {
    "auroc": auroc,
    "auprc": auprc,
    "brier": brier,
    "ece": ece,
    **{
        name: _from_confusion(name)
        for name in (
            "accuracy",
            "balanced_accuracy",
            "sensitivity",
            "specificity",
            "precision",
            "f1",
            "f1_macro",
            "kappa",
            "mcc",
        )
    },
}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole > 0)


def _steps(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of positives and negatives at or above each distinct score, from the highest down: (B, distinct)."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # the last image of each tie
    sorted_weights = weights[:, order]
    above_positive = np.cumsum(sorted_weights * is_positive[order], axis=1)[:, last]
    above_negative = np.cumsum(sorted_weights * ~is_positive[order], axis=1)[:, last]
    return above_positive, above_negative


def _auroc_of(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    positives, negatives = _steps(is_positive, score, weights)
    zero = np.zeros((len(weights), 1))
    rate = np.concatenate([zero, positives], axis=1)
    width = np.diff(np.concatenate([zero, negatives], axis=1), axis=1)
    # Trapezoids: half of a tie counts.
    area = (width * (rate[:, 1:] + rate[:, :-1]) / 2).sum(axis=1)
    return _ratio(area, positives[:, -1] * negatives[:, -1])


def _average_precision(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    positives, negatives = _steps(is_positive, score, weights)
    precision = np.divide(
        positives, positives + negatives, out=np.zeros_like(positives), where=positives + negatives > 0
    )
    gained = np.diff(np.concatenate([np.zeros((len(weights), 1)), positives], axis=1), axis=1)
    return _ratio((gained * precision).sum(axis=1), positives[:, -1])
