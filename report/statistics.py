"""Confidence intervals and tests, each a small function with its source.

A number of the table estimates the expected metric of a whole procedure on new patients: its error has several independent
parts, such as the choice of the test patients and that of the seeds. Each is a `Part`, a variance and how well it is known.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import optimize, special, stats

# At most so many groups of patients in a jackknife: more would take longer and change little.
MOST_GROUPS = 2000
# Below this number of patients, a difference is also tested by flipping signs.
FEW_PATIENTS = 20
# Variances below it are rounding errors.
ROUNDING = 1e-20
_MOST_EXACT = 14  # patients whose 2^14 patterns of signs are all tried
_FLIPS = 20_000


class Part(NamedTuple):
    """An independent part of an estimate's error.

    Attributes:
        variance: its variance, at least 0.
        df: degrees of freedom of the variance, at least 1.
    """

    variance: float
    df: float


def jackknife(evaluate: Callable[[np.ndarray], np.ndarray], groups: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Metrics, and how much each patient moves them: delete-one-patient jackknife (Efron & Stein 1981).

    Patients are left out with all their images: images of one patient are not independent, patients are (Field & Welsh
    2007). For the AUROC the variance agrees with the one of Obuchowski (1997) for clustered data up to terms of second order.

    Args:
        evaluate: from weights (samples, images) to the metrics' values (metrics, samples).
        groups: (images,), patients.

    Returns:
        For each metric its value, and the influences (patients,), in the sorted order of the patients. The variance of the
        metric is the sum of their squares, the covariance of two metrics the sum of the products. All are NaN if the metric
        cannot be computed without one of the patients.
    """
    # With θ_(-i) the metric without patient i of n, and θ_(.) their mean,
    #     var = (n - 1) / n · Σ_i (θ_(-i) - θ_(.))²        u_i = √((n - 1) / n) · (θ_(.) - θ_(-i))
    names, member = np.unique(groups, return_inverse=True)
    blocks = _blocks(len(names))
    count = int(blocks.max()) + 1
    weights = np.concatenate([np.ones((1, len(groups))), blocks[member] != np.arange(count)[:, None]])
    # The squares of a block's patients have to add up to that of the block.
    share = 1 / np.sqrt(np.bincount(blocks)[blocks])
    found = []
    for value, *left_out in evaluate(weights):
        without = np.array(left_out)
        influence = np.sqrt((count - 1) / count) * (without.mean() - without) if count > 1 else np.full(count, np.nan)
        # NaN in one of them makes the mean, and so all of them, NaN.
        found.append((float(value), influence[blocks] * share))
    return found


def _blocks(patients: int) -> np.ndarray:
    """The block of each patient; blocks are single patients unless there are too many of them."""
    if patients <= MOST_GROUPS:
        return np.arange(patients)
    return np.random.default_rng(0).permutation(patients) % MOST_GROUPS


def patients_parts(influence: np.ndarray, classes: np.ndarray) -> list[Part]:
    """The parts of the error that come from the choice of the test patients, one per class.

    A class of few patients is known no better for the many patients of another one.

    Args:
        influence: (patients,), as `jackknife` returns it; NaN where it is unknown.
        classes: int (patients,), the class of each patient; empty: all are one part.
    """
    numbers = classes if len(classes) else np.zeros(len(influence), int)
    members = [influence[numbers == number] for number in np.unique(numbers)]
    return [Part(float((some**2).sum()), max(len(some) - 1, 1)) for some in members]


def seeds_part(values: np.ndarray) -> Part:
    """The part that comes from the seeds: initial weights, order, augmentation, and whatever each seed draws anew.

    Args:
        values: (seeds,), a value per independent training; at least two.
    """
    return Part(float(values.var(ddof=1) / len(values)), len(values) - 1)


def folds_part(values: np.ndarray, test_share: float) -> Part:
    """The error of a mean over the folds of a cross-validation (Nadeau & Bengio 2003): patients, seeds and training sets.

    Args:
        values: (folds,), a value per fold; at least two.
        test_share: number of test images per image outside the test part.
    """
    # The training sets of different folds overlap, so that their values are correlated. Of k values with variance s², the
    # mean has about the variance (1 / k + n_test / n_train) s², instead of s² / k.
    return Part(float((1 / len(values) + test_share) * values.var(ddof=1)), len(values) - 1)


def training_part(values: np.ndarray, noise: float, test_share: float) -> Part:
    """The error of a mean over folds that are tested on the same images of another set: of the training images alone.

    Args:
        values: (folds,), a value per fold; at least two.
        noise: variance that the seeds give each of these values; 0 if it is not known.
        test_share: number of images that a fold leaves out, per image that it learns from.
    """
    # What the seeds add to the variance of the values does not come from the images. Where it hides what does, the rule for folds
    # that are tested on images of their own is the least.
    deleted = (values.var(ddof=1) - noise) * jackknifed(len(values), test_share)
    least = folds_part(values, test_share)
    return Part(max(float(deleted), least.variance), least.df)


def jackknifed(folds: int, test_share: float) -> float:
    """The variance of a mean over folds that learn from overlapping images, per variance of their values.

    A fold learns from all images but its own test part, as a jackknife does that deletes d of n images: (n - d) / d times the
    mean square of its values estimates the variance (Shao & Tu 1995, section 2.3). At least the factor of Nadeau & Bengio (2003).

    Args:
        folds: number of folds.
        test_share: number of images that a fold leaves out, per image that it learns from.
    """
    of_deleted = (folds - 1) / (folds * test_share) if test_share else 0.0
    return max(of_deleted, 1 / folds + test_share)


def joined(parts: Sequence[Part]) -> Part:
    """Several parts as one, with the degrees of freedom of Welch (1938) and Satterthwaite (1946).

    Args:
        parts: at least one, of equal nature: the seeds of two chains.
    """
    total = sum(part.variance for part in parts)
    if total == 0:
        return Part(0.0, min(part.df for part in parts))
    return Part(total, total**2 / sum(part.variance**2 / part.df for part in parts))


def half_width(parts: Sequence[Part], level: float = 0.95) -> float:
    """Half the width of the interval of an estimate whose error has several parts (Howe 1974, JASA 69:789).

    Args:
        parts: at least one.
        level: the confidence level, 0 … 1.
    """
    # With t_i the quantile of Student's distribution for the degrees of freedom of part i, the half-width is √(Σ t_i² V_i).
    # One quantile for all of them, with Satterthwaite's degrees of freedom, is too short where a part with few degrees of
    # freedom dominates: with three seeds of sd 0.05 and 1,360 images it covers 0.90 instead of 0.95.
    return float(np.sqrt(sum(special.stdtrit(part.df, (1 + level) / 2) ** 2 * part.variance for part in parts)))


def p_value(difference: float, parts: Sequence[Part]) -> float:
    """Two-sided p of a difference: 1 - the level at which its interval (`half_width`) just touches 0.

    Args:
        difference: the difference.
        parts: the parts of its error, at least one.

    Returns:
        0 … 1, and above 0; NaN if the variance is 0 or unknown.
    """
    total = sum(part.variance for part in parts)
    if not np.isfinite(difference) or not total > ROUNDING:
        return float("nan")
    lowest = 1e-12
    if half_width(parts, lowest) >= abs(difference):
        return 1.0
    if half_width(parts, 1 - lowest) < abs(difference):
        return lowest

    def excess(log_p: float) -> float:
        return half_width(parts, 1 - np.exp(log_p)) - abs(difference)

    return float(np.exp(optimize.brentq(excess, np.log(lowest), np.log1p(-lowest))))


def floored(parts: Sequence[Part], spread: float, patients: int) -> list[Part]:
    """The parts of an error, and one more if their variance is less than it can be known to be.

    Few patients who all agree have no variance, but that is no certainty: the variance of a metric of n patients, on the
    scale from 0 to 1, is at least 1 / (4 n²), as if half a patient disagreed.

    Args:
        parts: at least one.
        spread: the greatest value of the metric minus the least.
        patients: number of test patients, n.
    """
    lacking = 0.25 * (spread / patients) ** 2 - sum(part.variance for part in parts)
    return [*parts, Part(lacking, max(patients - 1, 1))] if lacking > 0 else list(parts)


def detectable(parts: Sequence[Part], power: float = 0.8) -> float:
    """The smallest true difference that is found at the level 0.05 with a given power.

    Args:
        parts: the parts of the error of a difference, at least one.
        power: the probability of finding it, 0.5 … 1.
    """
    both = [(special.stdtrit(part.df, 0.975) + special.stdtrit(part.df, power), part.variance) for part in parts]
    return float(np.sqrt(sum(t**2 * variance for t, variance in both)))


def interval(mean: float, parts: Sequence[Part], bounds: tuple[float, float], patients: int) -> tuple[float, float]:
    """The 95 % interval of a metric, computed on a logit scale so that it stays within the metric's bounds.

    Args:
        mean: the estimate.
        parts: the parts of its error, at least one.
        bounds: the least and the greatest value of the metric.
        patients: number of test patients.

    Returns:
        (low, high); NaN if the variance is unknown, or 0 although the estimate lies inside the bounds.
    """
    # On the scale from 0 to 1, with n patients, the estimate a is drawn a little towards the middle, a' = (n a + 1/2) /
    # (n + 1), and the interval is logit(a') ± h / (a' (1 - a')), h its half-width on the plain scale.
    low, high = bounds
    share = (mean - low) / (high - low)
    total = sum(part.variance for part in parts)
    if not np.isfinite(total) or (total <= ROUNDING and 0 < share < 1):
        return float("nan"), float("nan")
    drawn = (patients * share + 0.5) / (patients + 1)
    scaled = [Part(part.variance / (high - low) ** 2, part.df) for part in parts]
    slope = half_width(floored(scaled, 1.0, patients)) / (drawn * (1 - drawn))
    ends = 1 / (1 + np.exp(-(np.log(drawn / (1 - drawn)) + np.array([-slope, slope]))))
    # At the bounds themselves, the estimate lies outside what it was drawn to.
    return float(low + (high - low) * min(ends[0], share)), float(low + (high - low) * max(ends[1], share))


def sign_flip(contributions: np.ndarray) -> float:
    """Two-sided p of a sum over patients, whose signs are equally likely if there is no difference (Fisher 1935).

    All patterns of signs are tried for up to 14 patients, else 20,000 random ones.

    Args:
        contributions: (patients,), each patient's part of the difference.

    Returns:
        Above 0 … 1, at least 2 / 2^patients; NaN if a contribution is unknown.
    """
    count = len(contributions)
    if not np.isfinite(contributions).all():
        return float("nan")
    if count <= _MOST_EXACT:
        patterns = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
        sums = np.abs((2 * patterns - 1) @ contributions)
        return float((sums >= abs(contributions.sum()) - 1e-12).mean())
    signs = np.random.default_rng(0).choice([-1, 1], (_FLIPS, count))
    beyond = (np.abs(signs @ contributions) >= abs(contributions.sum()) - 1e-12).sum()
    return float((beyond + 1) / (_FLIPS + 1))


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
        Both AUROCs and the two-sided p of their difference, at least the 2 / 2^images of a sign test; NaN with fewer than
        two images of either class.
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
    least = 2.0 ** (1 - m - n)
    if variance <= 0:
        return float(areas[0]), float(areas[1]), 1.0 if areas[0] == areas[1] else least
    z = (areas[0] - areas[1]) / np.sqrt(variance)
    return float(areas[0]), float(areas[1]), float(max(2 * stats.norm.sf(abs(z)), least))


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
