"""Classification metrics with one weight per image, computed for many sets of weights at once.

With weights, one function serves both the plain value (all weights 1) and every sample of a resampling: how often each
image was drawn, or whether it was left out. Every metric takes y (N,), scores (N, C) and weights (B, N), and returns (B,);
values that are undefined are NaN. With two classes, `positive` is the number of the positive class: F1, precision,
sensitivity and specificity refer to it, while `f1_macro` and `balanced_accuracy` are means over the classes.
"""

from collections.abc import Callable

import numpy as np

CALIBRATION_BINS = 15  # Guo et al. 2017 (arXiv:1706.04599)


def evaluate(
    names: list[str], y: np.ndarray, scores: np.ndarray, positive: int | None = None, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Computes several metrics.

    Args:
        names: keys of `METRICS`.
        y: true class numbers, int (N,).
        scores: class scores, 0 … 1, (N, C); each row sums to 1.
        positive: the number of the positive class. None means the second of two classes, and no positive class if there
            are more.
        weights: (B, N) or (N,), one weight per image, at least 0. None means all ones, so that B is 1.

    Returns:
        The values of each metric, (B,), by name.
    """
    weights = np.ones((1, len(y))) if weights is None else np.atleast_2d(weights).astype(float)
    if positive is None and scores.shape[1] == 2:
        positive = 1
    return {name: METRICS[name](y, scores, weights, positive) for name in names}


def confusion(y: np.ndarray, predicted: np.ndarray, classes: int, weights: np.ndarray) -> np.ndarray:
    """Computes one confusion matrix per set of weights.

    Args:
        y: true class numbers, int (N,).
        predicted: predicted class numbers, int (N,).
        classes: the number of classes, C.
        weights: (B, N), one weight per image.

    Returns:
        (B, C, C): the summed weights of the images, by true class and predicted class.
    """
    # One-hot over the C² cells of the matrix, so that one product serves every set of weights.
    cell = np.zeros((len(y), classes * classes))
    cell[np.arange(len(y)), y * classes + predicted] = 1
    return (weights @ cell).reshape(-1, classes, classes)


def of_confusion(matrix: np.ndarray, positive: int | None) -> dict[str, np.ndarray]:
    """Computes every metric that follows from a confusion matrix.

    Args:
        matrix: confusion matrices (B, C, C), by true class and predicted class.
        positive: the number of the positive class. None if there is none: sensitivity, specificity and precision are then
            NaN, and F1 is the mean over the classes.

    Returns:
        The values of each metric, (B,), by name.
    """
    # Let n_ij be the weight of the images of class i that were predicted as class j, and N = Σ n_ij. With the margins
    # t_i = Σ_j n_ij (true) and p_j = Σ_i n_ij (predicted):
    #     recall_i = n_ii / t_i        precision_i = n_ii / p_i        F1_i = 2 n_ii / (t_i + p_i)
    #     observed agreement  o = Σ n_ii / N         agreement expected by chance  e = Σ t_i p_i / N²
    #     kappa = (o − e) / (1 − e)                                                                    Cohen 1960
    #     MCC = (N Σ n_ii − Σ t_i p_i) / √((N² − Σ p_i²) (N² − Σ t_i²))                                Gorodkin 2004
    total = matrix.sum(axis=(1, 2))
    hits = np.diagonal(matrix, axis1=1, axis2=2)
    true, predicted = matrix.sum(axis=2), matrix.sum(axis=1)
    recall, precision = _ratio(hits, true), _ratio(hits, predicted)
    f1 = _ratio(2 * hits, true + predicted)
    observed, expected = _ratio(hits.sum(axis=1), total), _ratio((true * predicted).sum(axis=1), total**2)
    covariance = total * hits.sum(axis=1) - (true * predicted).sum(axis=1)
    deviations = np.sqrt((total**2 - (predicted**2).sum(axis=1)) * (total**2 - (true**2).sum(axis=1)))
    values = {
        "accuracy": observed,
        "balanced_accuracy": recall.mean(axis=1),
        "f1_macro": f1.mean(axis=1),
        # 0 where chance alone would give perfect agreement.
        "kappa": np.where(expected < 1, (observed - expected) / np.where(expected < 1, 1 - expected, 1), 0.0),
        # By convention 0 where every image has the same true or the same predicted class.
        "mcc": np.where(deviations > 0, covariance / np.where(deviations > 0, deviations, 1), 0.0),
    }
    if positive is None:
        undefined = dict.fromkeys(("sensitivity", "specificity", "precision"), np.full(len(matrix), np.nan))
        return {**values, "f1": f1.mean(axis=1), **undefined}
    negatives = total - true[:, positive]
    false_positives = predicted[:, positive] - hits[:, positive]
    return {
        **values,
        "f1": f1[:, positive],
        "sensitivity": recall[:, positive],
        "specificity": _ratio(negatives - false_positives, negatives),
        # By convention 0 where no image was predicted positive.
        "precision": np.where(predicted[:, positive] > 0, precision[:, positive], 0.0),
    }


def auroc(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Area under the ROC curve; without a positive class, the mean over the classes, one against the rest.

    Args:
        y: true class numbers, int (N,).
        scores: class scores (N, C).
        weights: (B, N), one weight per image.
        positive: the number of the positive class, or None.
    """
    if positive is not None:
        return _auroc_of(y == positive, scores[:, positive], weights)
    return np.mean([_auroc_of(y == number, scores[:, number], weights) for number in range(scores.shape[1])], axis=0)


def auprc(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Average precision, the area under the steps of the precision–recall curve.

    Without a positive class it is the mean over the classes, one against the rest.

    Args:
        y: true class numbers, int (N,).
        scores: class scores (N, C).
        weights: (B, N), one weight per image.
        positive: the number of the positive class, or None.
    """
    if positive is not None:
        return _average_precision(y == positive, scores[:, positive], weights)
    parts = [_average_precision(y == number, scores[:, number], weights) for number in range(scores.shape[1])]
    return np.mean(parts, axis=0)


def brier(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Brier score, the mean squared difference between score and truth (Brier 1950).

    With two classes only the positive class counts (0 … 1); otherwise the squares are summed over the classes (0 … 2).

    Args:
        y: true class numbers, int (N,).
        scores: class scores, 0 … 1, (N, C).
        weights: (B, N), one weight per image.
        positive: the number of the positive class, or None.
    """
    # Two classes: Σ_n w_n (s_n − t_n)² / Σ_n w_n, where s_n is the score of the positive class and t_n is 1 for positive
    # images, else 0. Otherwise: Σ_n w_n Σ_c (s_nc − t_nc)² / Σ_n w_n, where t_n is the one-hot true class.
    if positive is not None and scores.shape[1] == 2:
        errors = (scores[:, positive] - (y == positive)) ** 2
    else:
        errors = ((scores - np.eye(scores.shape[1])[y]) ** 2).sum(axis=1)
    return (weights @ errors) / weights.sum(axis=1)


def balanced_brier(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """The Brier score of each class's images, the mean over the classes: a rare class counts like any other.

    Args:
        y: true class numbers, int (N,).
        scores: class scores, 0 … 1, (N, C).
        weights: (B, N), one weight per image.
        positive: the number of the positive class, or None.
    """
    parts = []
    for number in range(scores.shape[1]):
        member = weights * (y == number)
        total = member.sum(axis=1)
        value = brier(y, scores, np.where(total[:, None] > 0, member, 1.0), positive)
        parts.append(np.where(total > 0, value, np.nan))
    return np.mean(parts, axis=0)


def calibration_error(y: np.ndarray, scores: np.ndarray, weights: np.ndarray, positive: int | None) -> np.ndarray:
    """Root mean squared calibration error of the predicted class, without the error that chance alone makes.

    In 15 bins of equal width (Kumar et al. 2019, arXiv:1909.10155, section 4). The square is an unbiased
    estimate, which may be negative: the value is then minus the root of its absolute value, and means 0.

    Args:
        y: true class numbers, int (N,).
        scores: class scores, 0 … 1, (N, C).
        weights: (B, N), one weight per image.
        positive: ignored; every metric has the same parameters.
    """
    # With n_m images in bin m, a_m the share of correct ones and c_m the mean confidence, the variance of a_m alone makes
    # (a_m − c_m)² too large by a_m (1 − a_m) / (n_m − 1) on average:
    #     E² = Σ_m (n_m / n) · ((a_m − c_m)² − a_m (1 − a_m) / (n_m − 1))
    confidence, correct = scores.max(axis=1), (scores.argmax(axis=1) == y).astype(float)
    bins = np.clip(np.ceil(confidence * CALIBRATION_BINS).astype(int) - 1, 0, CALIBRATION_BINS - 1)
    member = np.eye(CALIBRATION_BINS)[bins]
    count = weights @ member
    gap, right = (_ratio(weights @ (member * values[:, None]), count) for values in (correct - confidence, correct))
    terms = gap**2 - _ratio(right * (1 - right), count - 1)
    # A bin of one image tells nothing about its own variance.
    counted = np.where(count > 1, count, 0.0)
    square = _ratio((counted * np.where(count > 1, terms, 0.0)).sum(axis=1), counted.sum(axis=1))
    return np.sign(square) * np.sqrt(np.abs(square))


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
    "balanced_brier": balanced_brier,
    "calibration_error": calibration_error,
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


# Names as papers print them; others are printed as they are.
_PRINTED = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "brier": "Brier score",
    "balanced_brier": "Balanced Brier score",
    "calibration_error": "Calibration error",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "f1_macro": "Macro F1",
    "kappa": "Cohen's kappa",
    "mcc": "MCC",
}


def printed(name: str) -> str:
    """The name of a metric as papers print it.

    Args:
        name: a key of `METRICS`, or any other name, which is returned unchanged.
    """
    return _PRINTED.get(name, name)


def bounds(name: str, classes: int) -> tuple[float, float]:
    """The least and the greatest value of a metric.

    Args:
        name: a key of `METRICS`.
        classes: number of classes.
    """
    if name in ("kappa", "mcc"):
        return -1.0, 1.0
    return 0.0, 2.0 if name in ("brier", "balanced_brier") and classes > 2 else 1.0


def _ratio(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    """part / total; NaN where the total is 0."""
    return np.divide(part, total, out=np.full(np.broadcast(part, total).shape, np.nan), where=total > 0)


def _steps(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the positives and of the negatives that score at least each distinct score, from the highest down.

    Both are (B, distinct scores): true and false positives at each threshold.
    """
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)  # the last image of each group of ties
    sorted_weights = weights[:, order]
    above_positive = np.cumsum(sorted_weights * is_positive[order], axis=1)[:, last]
    above_negative = np.cumsum(sorted_weights * ~is_positive[order], axis=1)[:, last]
    return above_positive, above_negative


def _auroc_of(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    # With TP_k and FP_k the weights of positives and negatives at or above the k-th highest distinct score, and P and N
    # the weights of all positives and negatives,
    #     AUROC = Σ_k (FP_k − FP_{k−1}) (TP_k + TP_{k−1}) / 2 / (P N),
    # the trapezoids under the ROC curve. This is the probability that a positive image scores higher than a negative
    # one, where a tie counts as one half.
    positives, negatives = _steps(is_positive, score, weights)
    zero = np.zeros((len(weights), 1))
    height = np.concatenate([zero, positives], axis=1)
    width = np.diff(np.concatenate([zero, negatives], axis=1), axis=1)
    area = (width * (height[:, 1:] + height[:, :-1]) / 2).sum(axis=1)
    return _ratio(area, positives[:, -1] * negatives[:, -1])


def _average_precision(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    # With TP_k and FP_k as in `_auroc_of`, precision_k = TP_k / (TP_k + FP_k) and P positives in all,
    #     AP = Σ_k (TP_k − TP_{k−1}) precision_k / P:
    # each step of the recall counts with the precision reached there, without interpolation.
    positives, negatives = _steps(is_positive, score, weights)
    precision = np.divide(
        positives, positives + negatives, out=np.zeros_like(positives), where=positives + negatives > 0
    )
    gained = np.diff(np.concatenate([np.zeros((len(weights), 1)), positives], axis=1), axis=1)
    return _ratio((gained * precision).sum(axis=1), positives[:, -1])
