"""Means of several rows as they might have been: what their ranks are counted over.

The draws multiply what each patient, fold and seed adds to a mean by random numbers (the multiplier bootstrap: van der Vaart &
Wellner 1996, section 2.9), the same ones for every row where rows share patients, folds or labels. Few folds or seeds know their
own variance badly: the draws have the tails of Student's distribution; the degrees of freedom of the rows' seeds are pooled, as
if trainings of all rows varied alike.
"""

from collections.abc import Sequence

import numpy as np

from report import statistics
from report.sample import Sample


def draws(samples: Sequence[Sample], count: int) -> np.ndarray:
    """Means of several rows as they might have been with other patients, folds and seeds: (count, rows).

    Args:
        samples: the rows' samples under one metric, of the same target.
        count: number of draws; the same ones for every metric of these rows.
    """
    units, shared, *own = np.random.SeedSequence(0).spawn(len(samples) + 2)
    rng = np.random.default_rng(units)
    means = np.array([sample.mean for sample in samples])
    drawn, covariance = np.tile(means, (count, 1)), np.zeros((len(samples), len(samples)))
    for values, df in _units(samples):
        drawn += _student(rng.standard_normal((count, values.shape[1])) @ values.T, df, rng)
        covariance += values @ values.T
    # All rows share the tails of the seeds' part: it is estimated from the seeds of all of them together.
    varied = [(number, _of_seeds(sample)) for number, sample in enumerate(samples) if len(sample.by_seed) > 1]
    seeds, df = np.zeros((count, len(samples))), sum(len(values) - 1 for _, values in varied)
    for number, values in varied:
        # Where each seed draws the labels, all rows learn from the same ones.
        numbers = np.random.default_rng(shared if samples[number].draws_labels else own[number])
        seeds[:, number] = numbers.standard_normal((count, len(values))) @ values
    if varied:
        # The seeds of rows that share them are as many draws of the same labels, not more.
        together = all(samples[number].draws_labels for number, _ in varied)
        drawn += _student(seeds, max(len(values) for _, values in varied) - 1 if together else df, rng)
        covariance += _covariance_of_seeds(samples, varied)
    return drawn + np.sqrt(_lacking(covariance, samples) / 2) * rng.standard_normal(drawn.shape)


def _units(samples: Sequence[Sample]) -> list[tuple[np.ndarray, int]]:
    """What each fold, or each patient of a class, adds to the rows' means: (rows, units), with degrees of freedom."""
    folds = sorted(set.intersection(*(set(sample.by_fold.index) for sample in samples)))
    units = []
    if len(folds) > 1:
        # With x_ij the value of row i in fold j of J, √((1 / J + n_test / n_train) / (J - 1)) (x_ij - x̄_i) for each fold has the
        # variance of Nadeau & Bengio, and the covariance that goes with it; on another set, that of a jackknife.
        by_fold = np.stack([sample.by_fold.loc[folds].to_numpy() for sample in samples])
        share, elsewhere = samples[0].test_share, samples[0].elsewhere
        factor = statistics.jackknifed(len(folds), share) if elsewhere else 1 / len(folds) + share
        scale = np.sqrt(factor / (len(folds) - 1))
        units.append((scale * (by_fold - by_fold.mean(axis=1, keepdims=True)), len(folds) - 1))
        if not elsewhere:
            return units
    names = np.unique(np.concatenate([sample.patients for sample in samples]))
    influence, classes = np.zeros((len(samples), len(names))), np.zeros(len(names), int)
    for moved, sample in zip(influence, samples):
        place = np.searchsorted(names, sample.patients)
        moved[place] = sample.mean_influence
        if len(sample.classes):
            classes[place] = sample.classes
    parts = [influence[:, classes == number] for number in np.unique(classes)]
    return units + [(_blocked(part), max(part.shape[1] - 1, 1)) for part in parts]


def _blocked(values: np.ndarray) -> np.ndarray:
    """Values (rows, units) with the same covariance in fewer units, where there are very many of them."""
    if values.shape[1] <= len(values):
        return values
    # With V = U S Wᵀ, V Vᵀ = (U S)(U S)ᵀ.
    left, sizes, _ = np.linalg.svd(values, full_matrices=False)
    return left * sizes


def _of_seeds(sample: Sample) -> np.ndarray:
    """What each seed adds to a row's mean, (seeds,)."""
    values = sample.by_seed.to_numpy()
    return (values - values.mean()) / np.sqrt(len(values) * (len(values) - 1))


def _covariance_of_seeds(samples: Sequence[Sample], varied: list[tuple[int, np.ndarray]]) -> np.ndarray:
    covariance = np.zeros((len(samples), len(samples)))
    for first, here in varied:
        for second, there in varied:
            paired = samples[first].draws_labels and samples[second].draws_labels and len(here) == len(there)
            if first == second or paired:
                covariance[first, second] = here @ there
    return covariance


def _student(normal: np.ndarray, df: float, rng: np.random.Generator) -> np.ndarray:
    """Normal numbers (draws, rows) with the tails of Student's t."""
    return normal * np.sqrt(df / rng.chisquare(df, (len(normal), 1)))


def _lacking(covariance: np.ndarray, samples: Sequence[Sample]) -> float:
    """What the variance of the closest two rows' difference lacks to what it can be known to be (`statistics.floored`)."""
    patients = len(np.unique(np.concatenate([sample.patients for sample in samples])))
    spread = samples[0].bounds[1] - samples[0].bounds[0]
    variances = np.diag(covariance)
    least = (variances[:, None] + variances - 2 * covariance)[np.triu_indices(len(samples), 1)].min()
    return sum(
        part.variance for part in statistics.floored([statistics.Part(max(least, 0.0), 1)], spread, patients)[1:]
    )
