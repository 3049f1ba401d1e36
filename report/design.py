"""What a design can see: the smallest difference that it would find, before anything has run."""

from report import statistics
from report.statistics import Part

# What has to be assumed before there are runs: the AUROC of both chains, how much the same patients make their AUROCs move
# together, and the standard deviation of an AUROC over seeds (0.02 to 0.05 in our tables).
AUROC, CORRELATION, SD_SEEDS = 0.75, 0.5, 0.03
# A larger difference from the reference is hardly possible: chance is 0.5, and nothing exceeds 1.
POSSIBLE = 0.5


def smallest(patients: dict[int, list[int]], seeds: int, test_share: float) -> float:
    """The smallest difference of two AUROCs that is found at the level 0.05 with a probability of 0.8.

    Args:
        patients: fold -> number of test patients of each class; at least two patients in all.
        seeds: number of seeds.
        test_share: number of test images per image outside the test part of a fold.

    Returns:
        NaN for a single training, which says nothing about a chain.
    """
    between_seeds = Part(2 * SD_SEEDS**2 / seeds, 2 * max(seeds - 1, 1))
    variances = [2 * (1 - CORRELATION) * hanley_mcneil(AUROC, min(of), sum(of) - min(of)) for of in patients.values()]
    if len(variances) > 1:
        of_fold = sum(variances) / len(variances) + between_seeds.variance
        over_folds = Part((1 / len(variances) + test_share) * of_fold, len(variances) - 1)
        return statistics.detectable([over_folds, between_seeds] if seeds > 1 else [over_folds])
    if seeds < 2:
        return float("nan")
    return statistics.detectable([Part(variances[0], sum(next(iter(patients.values()))) - 1), between_seeds])


def hanley_mcneil(auroc: float, positives: int, negatives: int) -> float:
    """The variance of an AUROC of independent images (Hanley & McNeil 1982).

    Args:
        auroc: the AUROC, 0 … 1.
        positives: number of positive images, at least 1.
        negatives: number of negative images, at least 1.
    """
    # With A the AUROC, Q1 = A / (2 - A) the probability that two positives both score higher than a negative, and
    # Q2 = 2 A² / (1 + A) that a positive scores higher than two negatives:
    #     var = (A (1 - A) + (m - 1) (Q1 - A²) + (n - 1) (Q2 - A²)) / (m n)
    first, second = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    m, n = max(positives, 1), max(negatives, 1)
    return (auroc * (1 - auroc) + (m - 1) * (first - auroc**2) + (n - 1) * (second - auroc**2)) / (m * n)
