"""Confidence intervals and tests, each a small function with its source."""

import numpy as np
from scipy import stats


def bootstrap_weights(groups: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """How often each image is drawn in each sample of a cluster bootstrap (Field & Welsh 2007).

    Patients are drawn with replacement, with all their images: images of one patient are not independent, patients are.

    Args:
        groups: (images,), patients.
        samples: number of bootstrap samples.
        seed: seed of the draw.

    Returns:
        float (samples, images).
    """
    # In a sample of G draws from G patients, the counts of the patients have the multinomial distribution with G trials
    # and probabilities 1 / G. All images of a patient have the count of their patient.
    names, member = np.unique(groups, return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=samples)
    return drawn[:, member].astype(float)


def mean_over_runs(values: list[np.ndarray]) -> np.ndarray:
    """The mean over the runs in each bootstrap sample.

    Args:
        values: for each run (samples,); NaN where the value is not defined.

    Returns:
        (samples,), the mean over the runs whose value is defined in a sample; NaN if none is.
    """
    stacked = np.stack(values)
    is_defined = np.isfinite(stacked)
    count = is_defined.sum(axis=0)
    return np.where(count > 0, np.where(is_defined, stacked, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)


def percentile_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of bootstrap values.

    Args:
        values: (samples,); NaN, in samples without images of some class, is left out.
        level: share of the values inside the interval, 0 … 1.

    Returns:
        (low, high); NaN if there are no values.
    """
    # At the level L, the bounds are the quantiles (1 - L) / 2 and (1 + L) / 2, so that equally many values lie below the
    # interval and above it.
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def bootstrap_p(differences: np.ndarray, units: int) -> float:
    """Two-sided p value of a difference from its bootstrap values.

    Args:
        differences: (samples,), the difference in each bootstrap sample; NaN is left out.
        units: number of patients, or of images where patients are unknown, that the samples were drawn from.

    Returns:
        0 … 1; NaN if there are no values.
    """
    # With n samples, p is twice the smaller of the shares of samples at or beyond 0 on either side, where the observed
    # difference itself counts as one more sample:
    #     p = 2 · (min(#{d ≤ 0}, #{d ≥ 0}) + 1) / (n + 1)
    # It is bounded below by 2 / 2^units, the smallest p of an exact sign test: if three patients agree, so do all
    # bootstrap samples of them, but that proves little.
    values = differences[np.isfinite(differences)]
    if len(values) == 0:
        return float("nan")
    beyond = min((values <= 0).sum(), (values >= 0).sum())
    return float(min(1.0, max(2 * (beyond + 1) / (len(values) + 1), 2.0 ** (1 - units))))


def mcnemar(first_right: np.ndarray, second_right: np.ndarray) -> float:
    """Two-sided p of the exact McNemar test of two classifiers on the same independent images (McNemar 1947).

    Args:
        first_right: bool (images,), which images the first classifier gets right.
        second_right: bool (images,), the same for the second.
    """
    # Only the images that exactly one classifier gets right matter: b by the first, c by the second. If both are equally
    # good, b has the binomial distribution with b + c trials of probability 1/2, and
    #     p = min(1, 2 · P(B ≤ min(b, c)))
    from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar

    only_first, only_second = (first_right & ~second_right).sum(), (second_right & ~first_right).sum()
    return float(exact_mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue)


def delong(is_positive: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Compares two AUROCs on the same independent images (DeLong et al. 1988, by midranks after Sun & Xu 2014).

    Args:
        is_positive: bool (images,).
        first: (images,), scores of the positive class by the first classifier.
        second: (images,), the same by the second.

    Returns:
        Both AUROCs and the two-sided p of their difference; NaN with fewer than two images of either class.
    """
    # Of m positive scores p_i and n negative scores q_j, with ψ(p, q) = 1 if p > q, 1/2 if p = q, else 0:
    #     A = Σ_ij ψ(p_i, q_j) / (m n)          the AUROC
    #     u_i = Σ_j ψ(p_i, q_j) / n             its component by positive image i, here `by_positive`
    #     v_j = Σ_i ψ(p_i, q_j) / m             its component by negative image j, here `by_negative`
    # Σ_j ψ(p_i, q_j) is the rank of p_i among all scores minus its rank among the positive ones. The covariance of the two
    # AUROCs is S = cov(u) / m + cov(v) / n, and z = (A_1 - A_2) / √(S_11 + S_22 - 2 S_12) is standard normal.
    scores = np.stack([first, second])
    positive, negative = scores[:, is_positive], scores[:, ~is_positive]
    m, n = positive.shape[1], negative.shape[1]
    if min(m, n) < 2:
        return float("nan"), float("nan"), float("nan")
    joint_ranks = np.stack([stats.rankdata(np.concatenate([p, q])) for p, q in zip(positive, negative)])
    positive_ranks = np.stack([stats.rankdata(p) for p in positive])
    negative_ranks = np.stack([stats.rankdata(q) for q in negative])
    areas = (joint_ranks[:, :m].sum(axis=1) - m * (m + 1) / 2) / (m * n)
    by_positive = (joint_ranks[:, :m] - positive_ranks) / n
    by_negative = 1 - (joint_ranks[:, m:] - negative_ranks) / m
    covariance = np.cov(by_positive) / m + np.cov(by_negative) / n
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 0:
        return float(areas[0]), float(areas[1]), 1.0 if areas[0] == areas[1] else 0.0
    z = (areas[0] - areas[1]) / np.sqrt(variance)
    return float(areas[0]), float(areas[1]), float(2 * stats.norm.sf(abs(z)))


def corrected_resampled_t(differences: np.ndarray, test_share: float) -> float:
    """Two-sided p of paired differences over resampled splits (Nadeau & Bengio 2003).

    The training sets of repeated splits overlap, so that the plain t-test finds differences that do not exist.

    Args:
        differences: (splits,), one per split.
        test_share: number of test images per training image.

    Returns:
        0 … 1; NaN with fewer than two differences.
    """
    # Of k differences with mean d and variance s², the statistic
    #     t = d / √((1 / k + n_test / n_train) s²)
    # has approximately Student's distribution with k - 1 degrees of freedom. The plain t-test has 1 / k alone.
    count = len(differences)
    if count < 2:
        return float("nan")
    variance = differences.var(ddof=1)
    if variance == 0:
        return 1.0 if differences.mean() == 0 else 0.0
    t = differences.mean() / np.sqrt((1 / count + test_share) * variance)
    return float(2 * stats.t.sf(abs(t), count - 1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """p values after Holm's step-down correction for multiple comparisons (Holm 1979).

    Args:
        p_values: (tests,); NaN stays NaN and does not count as a comparison.
    """
    # Of m p values in ascending order, the i-th becomes
    #     max over j ≤ i of min(1, (m - j + 1) p_j)
    from statsmodels.stats.multitest import multipletests

    corrected = np.asarray(p_values, float).copy()
    is_tested = np.isfinite(corrected)
    if is_tested.any():
        corrected[is_tested] = multipletests(corrected[is_tested], method="holm")[1]
    return corrected
