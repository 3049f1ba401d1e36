"""Intervals and tests, each a small function with the paper that it comes from."""

import numpy as np
from scipy import stats


def bootstrap_weights(groups: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """How often each image is drawn when whole groups (patients) are drawn with replacement: (samples, images).

    Field & Welsh 2007 (cluster bootstrap): images of one patient are not independent, patients are.
    """
    names, member = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=samples)
    return drawn[:, member].astype(float)


def mean_over_runs(values: list[np.ndarray]) -> np.ndarray:
    """The mean over the runs of each bootstrap sample, over those whose value is defined in it; NaN where none is."""
    stacked = np.stack(values)
    there = np.isfinite(stacked)
    count = there.sum(axis=0)
    return np.where(count > 0, np.where(there, stacked, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def percentile_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle `level` of bootstrap values; NaN samples (a class was not drawn) are left out."""
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_p(differences: np.ndarray, units: int) -> float:
    """Two-sided p of a difference from its bootstrap values: twice the smaller share beyond 0, at least 2 / (n + 1).

    Nor is it less than 2 / 2^units, the least that an exact sign test can say: three patients who agree prove nothing,
    though every bootstrap sample of them does.

    Args:
        differences: (samples,); units: the number of patients (of images where there are none) that were drawn from.
    """
    values = differences[np.isfinite(differences)]
    if len(values) == 0:
        return float("nan")
    beyond = min((values <= 0).sum(), (values >= 0).sum())
    return float(min(1.0, max(2 * (beyond + 1) / (len(values) + 1), 2.0 ** (1 - units))))


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Exact McNemar test of two classifiers on the same independent images (McNemar 1947; exact binomial)."""
    from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar

    only_first, only_second = (first_right & ~second_right).sum(), (second_right & ~first_right).sum()
    return float(exact_mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


def delong(is_positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Two AUROCs on the same independent images: both values and the two-sided p of their difference.

    DeLong et al. 1988 by midranks (Sun & Xu 2014).
    """
    scores = np.stack([first, second])
    positive, negative = scores[:, is_positive], scores[:, ~is_positive]
    m, n = positive.shape[1], negative.shape[1]
    if min(m, n) < 2:
        return float("nan"), float("nan"), float("nan")
    joint = np.stack([stats.rankdata(np.concatenate([p, q])) for p, q in zip(positive, negative)])
    own_positive = np.stack([stats.rankdata(p) for p in positive])
    own_negative = np.stack([stats.rankdata(q) for q in negative])
    areas = (joint[:, :m].sum(axis=1) - m * (m + 1) / 2) / (m * n)
    by_positive = (joint[:, :m] - own_positive) / n
    by_negative = 1 - (joint[:, m:] - own_negative) / m
    covariance = np.cov(by_positive) / m + np.cov(by_negative) / n
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return float(areas[0]), float(areas[1]), 1.0 if areas[0] == areas[1] else 0.0
    z = (areas[0] - areas[1]) / np.sqrt(variance)
    return float(areas[0]), float(areas[1]), float(2 * stats.norm.sf(abs(z)))


def corrected_resampled_t(differences: np.ndarray, test_share: float) -> float:
    """Two-sided p of paired differences over resampled splits (Nadeau & Bengio 2003).

    Training sets of repeated splits overlap, so the plain t-test finds differences that are not there; the variance is
    enlarged by n_test / n_train.

    Args:
        differences: one for each run.
        test_share: n_test / n_train.
    """
    count = len(differences)
    if count < 2:
        return float("nan")
    variance = differences.var(ddof=1)
    if variance == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    t = differences.mean() / np.sqrt((1 / count + test_share) * variance)
    return float(2 * stats.t.sf(abs(t), count - 1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's step-down correction (Holm 1979); NaN stays NaN and is not counted as a comparison."""
    from statsmodels.stats.multitest import multipletests

    corrected = np.asarray(p_values, float).copy()
    there = np.isfinite(corrected)
    if there.any():
        corrected[there] = multipletests(corrected[there], method="holm")[1]
    return corrected
