"""A metric over the trainings of an arm: its mean, its interval, and its difference from another arm's.

The error of a mean has the parts that its design varies: the test patients or the folds, which are other patients and other
training images each, and the seeds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from report import statistics
from report.given import ReportInput
from report.statistics import Part

NAN = float("nan")


@dataclass(frozen=True)
class Sample:
    """A metric of all trainings of an arm.

    Attributes:
        folds: int (trainings,), the fold of each.
        seeds: int (trainings,), the seed of each.
        values: (trainings,), the metric; NaN where it is undefined.
        patients: (patients,), names of the test patients of all folds, sorted.
        influence: (trainings, patients), how much each patient moves the metric (`statistics.jackknife`); 0 for patients who
            are not in the training's fold.
        classes: int (patients,), the class of each patient; empty where the metric has no classes.
        bounds: the least and the greatest value of the metric.
        test_share: number of test images per image outside the test part of a fold.
        is_random: whether another seed would lead to another training; if not, a single seed is all there is.
        draws_labels: whether each seed draws the labels that are learnt from, the same ones for every chain.
        pretrains: whether each seed has a pretraining of its own.
        elsewhere: whether all folds are tested on the same images, those of another set.
    """

    folds: np.ndarray
    seeds: np.ndarray
    values: np.ndarray
    patients: np.ndarray
    influence: np.ndarray
    classes: np.ndarray = field(default_factory=lambda: np.empty(0, int))
    bounds: tuple[float, float] = (0.0, 1.0)
    test_share: float = 0.0
    is_random: bool = True
    draws_labels: bool = False
    pretrains: bool = False
    elsewhere: bool = False

    @cached_property
    def by_fold(self) -> pd.Series:
        """Fold -> the mean over its seeds, without folds in which the metric is undefined."""
        return _means(self.folds, self.values)

    @cached_property
    def by_seed(self) -> pd.Series:
        """Seed -> the mean over its folds, without seeds in which the metric is undefined."""
        return _means(self.seeds, self.values)

    @property
    def mean(self) -> float:
        """The mean over the folds of the means over their seeds; NaN if the metric is undefined throughout."""
        return float(self.by_fold.mean())

    @property
    def sd(self) -> float:
        """The standard deviation over the trainings; NaN for fewer than two."""
        values = self.values[np.isfinite(self.values)]
        return float(values.std(ddof=1)) if len(values) > 1 else NAN

    @property
    def is_one_training(self) -> bool:
        """Whether there is a single training where another seed would lead to another one."""
        return len(self.by_fold) < 2 and len(self.by_seed) < 2 and self.is_random

    @property
    def table(self) -> pd.DataFrame:
        """The metric of each fold (rows) and seed (columns); NaN where it is undefined."""
        return pd.Series(self.values, [self.folds, self.seeds]).groupby(level=[0, 1]).mean().unstack()

    @property
    def mean_influence(self) -> np.ndarray:
        """(patients,), how much each patient moves the mean."""
        defined = np.isfinite(self.values)
        weights = np.array([1 / (self.folds[defined] == fold).sum() for fold in self.folds[defined]])
        return weights @ self.influence[defined] / max(len(self.by_fold), 1)

    @property
    def parts(self) -> list[Part]:
        """The parts of the error of the mean."""
        several = len(self.by_fold) > 1
        # Folds are other test patients and other training images; of another set they are other training images only.
        of_patients = self.elsewhere or not several
        parts = statistics.patients_parts(self.mean_influence, self.classes) if of_patients else []
        parts += [_part_of_folds(self, self.by_fold.to_numpy(), _noise(self.table))] if several else []
        # All folds of a seed begin with the same pretraining, so that the folds alone do not show how that varies.
        return parts + ([statistics.seeds_part(self.by_seed.to_numpy())] if len(self.by_seed) > 1 else [])

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high) of the 95 % interval of the mean."""
        return statistics.interval(self.mean, self.parts, self.bounds, len(self.patients))

    @property
    def held(self) -> str:
        """What the interval holds, in words: "patients, seeds, labels, pretraining"."""
        words = ["patients"] + ["folds"] * (len(self.by_fold) > 1)
        if len(self.by_seed) > 1:
            words += ["seeds"] + ["labels"] * self.draws_labels + ["pretraining"] * self.pretrains
        return ", ".join(words)


def _means(keys: np.ndarray, values: np.ndarray) -> pd.Series:
    """Key -> the mean of its values that are defined; keys without any are left out."""
    defined = np.isfinite(values)
    names, member = np.unique(keys[defined], return_inverse=True)
    return pd.Series(
        np.bincount(member, values[defined], len(names)) / np.bincount(member, minlength=len(names)), names
    )


class Training(NamedTuple):
    """What a `Sample` needs of one training.

    Attributes:
        fold: number of the fold.
        seed: the seed.
        groups: (images,), patients of the test images.
        evaluate: from weights (samples, images) to metrics (metrics, samples).
        y: int (images,), class numbers; None where the metrics have no classes.
    """

    fold: int
    seed: int
    groups: np.ndarray
    evaluate: Callable[[np.ndarray], np.ndarray]
    y: np.ndarray | None = None


def samples_of(
    given: ReportInput, key: Any, trainings: Sequence[Training], bounds: Sequence[tuple[float, float]], is_random: bool
) -> list[Sample]:
    """The samples of several metrics of the same trainings.

    Args:
        given: the input of the report.
        key: the coordinates of the row.
        trainings: at least one.
        bounds: the least and the greatest value of each metric.
        is_random: whether another seed would lead to another training.
    """
    patients = np.unique(np.concatenate([training.groups for training in trainings]))
    values = np.empty((len(bounds), len(trainings)))
    influence = np.zeros((len(bounds), len(trainings), len(patients)))
    for number, training in enumerate(trainings):
        place = np.searchsorted(patients, np.unique(training.groups))
        for metric, (value, moved) in enumerate(statistics.jackknife(training.evaluate, training.groups)):
            values[metric, number], influence[metric, number, place] = value, moved
    images = [(training.groups, training.y) for training in trainings if training.y is not None]
    classes = np.empty(0, int)
    if images:
        groups, y = (np.concatenate(values) for values in zip(*images))
        classes = y[np.unique(groups, return_index=True)[1]]
    first = Sample(
        folds=np.array([training.fold for training in trainings]),
        seeds=np.array([training.seed for training in trainings]),
        values=values[0],
        patients=patients,
        influence=influence[0],
        classes=classes,
        test_share=given.test_share(key),
        is_random=is_random,
        draws_labels=given.draws_labels(key),
        pretrains=given.pretrains_anew(key),
        elsewhere=bool(given.external_of(key)),
    )
    return [replace(first, values=v, influence=i, bounds=limits) for v, i, limits in zip(values, influence, bounds)]


def mean_of(samples: Sequence[Sample]) -> Sample:
    """The mean of several metrics of the same trainings, as a metric.

    Args:
        samples: at least one, with the same trainings and patients.
    """
    values, influence = ([getattr(sample, name) for sample in samples] for name in ("values", "influence"))
    return replace(samples[0], values=np.mean(values, axis=0), influence=np.mean(influence, axis=0))


@dataclass(frozen=True)
class Difference:
    """The difference of two arms' means.

    Attributes:
        value: the first mean minus the second.
        interval: (low, high) of its 95 % interval; NaN if unknown.
        p: two-sided p value; NaN if unknown, or where one training of an arm says nothing about others.
        test: name of the test.
        detectable: the smallest true difference that would be found with a probability of 0.8; NaN if unknown.
    """

    value: float
    interval: tuple[float, float]
    p: float
    test: str
    detectable: float = NAN


def difference(here: Sample, there: Sample) -> Difference:
    """Compares two arms.

    * Several folds: corrected resampled t-test on the differences in each fold that both have, averaged over its seeds.
    * Otherwise: t-test whose variance is the patients' of the difference.
    * Several folds that are tested on another set, all on the same patients: the variances of both are added.
    * With several seeds, either variance has the seeds' of both sides in addition. Where each seed draws the labels, both
      sides learn from the same ones: the seeds' part is then that of the differences by seed.
    * Patients who all agree have no variance, but are no proof: the variance is at least `statistics.floored`.
    * Fewer than 20 patients: p is the larger of that and of a sign-flip test over the patients.

    Args:
        here: the arm.
        there: the arm that it is compared with.
    """
    several_folds = max(len(here.by_fold), len(there.by_fold)) > 1
    value = float((here.by_fold - there.by_fold).mean()) if several_folds else here.mean - there.mean
    most = here.bounds[1] - here.bounds[0]
    patients = len(np.union1d(here.patients, there.patients))
    parts = _parts(here, there, several_folds)
    varies = sum(part.variance for part in parts) > statistics.ROUNDING
    parts = statistics.floored(parts, most, patients)
    # A difference that no patient and no training changes is a riddle, unless it is none.
    half = statistics.half_width(parts) if varies or value == 0 else NAN
    known = bool(np.isfinite(half))
    found = Difference(value, (max(value - half, -most), min(value + half, most)) if known else (NAN, NAN), NAN, "")
    if here.is_one_training or there.is_one_training:
        return found
    p = statistics.p_value(value, parts) if varies else NAN
    test = "corrected resampled t" if several_folds else "t over patients and seeds"
    test = "t over patients, folds and seeds" if several_folds and here.elsewhere else test
    if min(len(here.patients), len(there.patients)) < statistics.FEW_PATIENTS:
        flipped = statistics.sign_flip(_contributions(here, there, value))
        least = 2.0 ** (1 - min(len(here.patients), len(there.patients)))
        p, test = float(np.nanmax([p, flipped, least])) if np.isfinite(p) else p, f"{test}, sign flip over patients"
    # Patients so few that no pattern of signs is rare let nothing be found.
    can_find = known and 2.0 ** (1 - min(len(here.patients), len(there.patients))) <= 0.05
    return replace(found, p=p, test=test, detectable=statistics.detectable(parts) if can_find else NAN)


def _parts(here: Sample, there: Sample, several_folds: bool) -> list[Part]:
    """The parts of the error of a difference."""
    parts: list[Part] = []
    if here.elsewhere or not several_folds:
        names = np.union1d(here.patients, there.patients)
        # The same images belong to both arms, unless some have no value in one of them.
        classes = here.classes if np.array_equal(here.patients, there.patients) else np.empty(0, int)
        parts += statistics.patients_parts(_placed(here, names) - _placed(there, names), classes)
    if several_folds:
        by_fold = (here.by_fold - there.by_fold).dropna().to_numpy()
        if len(by_fold) < 2:
            return [Part(NAN, 1)]
        parts.append(_part_of_folds(here, by_fold, _noise_of_difference(here, there)))
    paired = (here.by_seed - there.by_seed).dropna().to_numpy()
    if here.draws_labels and len(paired) > 1:
        return [*parts, statistics.seeds_part(paired)]
    varied = [statistics.seeds_part(sample.by_seed.to_numpy()) for sample in (here, there) if len(sample.by_seed) > 1]
    return parts + ([statistics.joined(varied)] if varied else [])


def _part_of_folds(sample: Sample, by_fold: np.ndarray, noise: float) -> Part:
    if sample.elsewhere:
        return statistics.training_part(by_fold, noise, sample.test_share)
    return statistics.folds_part(by_fold, sample.test_share)


def _noise(table: pd.DataFrame) -> float:
    """The variance that the seeds give the mean of a fold, apart from what a seed gives all folds; 0 where it is not known.

    Args:
        table: values by fold and seed; seeds that lack a fold are left out.
    """
    whole = table.dropna(axis=1)
    folds, seeds = whole.shape
    if folds < 2 or seeds < 2:
        return 0.0
    # All folds of a seed may begin with the same pretraining, which moves them together and not apart.
    rest = whole - whole.mean(axis=0)
    return float(rest.var(axis=1, ddof=1).mean() * folds / (folds - 1) / seeds)


def _noise_of_difference(here: Sample, there: Sample) -> float:
    """The variance that the seeds give the difference of two arms in a fold; 0 where it is not known."""
    if here.draws_labels:
        return _noise(here.table - there.table)  # both learn from the labels that a seed draws
    return _noise(here.table) + _noise(there.table)


def _placed(sample: Sample, names: np.ndarray) -> np.ndarray:
    influence = np.zeros(len(names))
    influence[np.searchsorted(names, sample.patients)] = sample.mean_influence
    return influence


def _contributions(here: Sample, there: Sample, value: float) -> np.ndarray:
    """Each patient's part of a difference: its pseudo-value, divided by the number of patients."""
    names = np.union1d(here.patients, there.patients)
    return value / len(names) + np.sqrt((len(names) - 1) / len(names)) * (_placed(here, names) - _placed(there, names))
