"""How often the report errs: tests of equal chains that find a difference, intervals that miss the truth, and the power.

Two chains are simulated whose expected AUROC is known. A score is the class times what a training has learnt, plus the
patient, the image, the chain and the training; what a training has learnt varies over seeds, label draws and folds. The
analysis is the report's own: `report.sample`, on influences that equal those of its jackknife (checked first). Where no
interval can be given, as for the difference of two chains that make no mistake with eight patients, it counts as a miss.
Of 211 designs a few miss a limit by chance: those are simulated four times as often, and that row stands, whatever it says; its
`times` are larger. The others are not tried again, so that the worst rows are a little better than they would be.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.ratios import write
from indomain import metrics
from report import statistics
from report.sample import Sample, difference

TIMES = int(os.environ.get("TIMES", "2000"))
MOST_ERRORS, LEAST_COVERAGE = 0.06, 0.93  # of tests of equal chains, and of either interval
STEP = 0.08  # the true difference of which the power is measured
SPREAD_OF_FOLDS = 0.01  # standard deviation over training sets, in the folds
PATIENT, IMAGE, CHAIN, TRAINING = 0.35, 0.25, 0.2, 0.2  # shares of the variance of a score


@dataclass(frozen=True)
class Design:
    """A design of an experiment.

    Attributes:
        auroc: the expected AUROC of both chains.
        images: number of test images, one to three per patient; of all folds together.
        seeds: number of seeds.
        sd: standard deviation of the AUROC over seeds.
        patients: number of patients, instead of images.
        folds: number of folds.
        labels: standard deviation over draws of labels, which both chains share.
        prevalence: share of positive patients.
        elsewhere: whether the networks of all folds are tested on all images, which are another set's.
    """

    auroc: float
    images: int = 0
    seeds: int = 1
    sd: float = 0.0
    patients: int = 0
    folds: int = 1
    labels: float = 0.0
    prevalence: float = 0.5
    elsewhere: bool = False

    @property
    def words(self) -> str:
        test = f"{self.patients} patients" if self.patients else f"{self.images} images"
        folds = f", {self.folds} folds" if self.folds > 1 else ""
        folds += " on another set" * self.elsewhere
        labels = f", labels drawn, sd {self.labels:g}" if self.labels else ""
        rare = f", {100 * self.prevalence:g} % positive" if self.prevalence != 0.5 else ""
        return f"AUROC {self.auroc:g}, {test}{folds}, {self.seeds} seeds of sd {self.sd:g}{labels}{rare}"


def designs() -> Iterator[Design]:
    for auroc in (0.6, 0.8, 0.95):
        for images in (1360, 400, 200, 80):
            for seeds in (3, 5, 10):
                for sd in (0.0, 0.02, 0.05):
                    yield Design(auroc, images, seeds, sd)
        for seeds in (1, 3, 5):
            for sd in (0.0, 0.02, 0.05):
                yield Design(auroc, 400, seeds, sd, folds=5)
                yield Design(auroc, 400, seeds, sd, folds=5, elsewhere=True)
        for patients in (8, 11, 20):
            for seeds in (3, 5):
                for sd in (0.0, 0.05):
                    yield Design(auroc, seeds=seeds, sd=sd, patients=patients)
    # Budgets of 5, 25 and 100 % of the labels: the fewer, the more their draw matters. Labels of the largest are not drawn.
    for labels in (0.06, 0.03):
        for seeds in (3, 5, 10):
            yield Design(0.75, 400, seeds, 0.02, labels=labels)
    for auroc in (0.6, 0.8, 0.95):
        for prevalence in (0.05, 0.1):
            yield Design(auroc, 400, 3, 0.02, prevalence=prevalence)
    yield Design(0.75, 400, 5, 0.03)


def drawn(design: Design, gap: float, rng: np.random.Generator) -> tuple[Sample, Sample]:
    """Two chains, of which the second is better by `gap`, as the report sees them."""
    member, positive, fold = _patients(design, rng)
    shared = rng.normal(0, np.sqrt(PATIENT), member.max() + 1)[member] + rng.normal(0, np.sqrt(IMAGE), len(member))
    labels = rng.normal(0, design.labels, design.seeds)
    chains = []
    for auroc in (design.auroc, design.auroc + gap):
        own = rng.normal(0, np.sqrt(CHAIN), len(member))
        # Training sets of different folds overlap: half of the variance over them is common, or as much as they have images in
        # common where nothing but the training sets differs.
        overlap = (design.folds - 2) / (design.folds - 1) if design.elsewhere else 0.5
        common, apart = rng.normal(0, SPREAD_OF_FOLDS / np.sqrt(2), (2, design.folds))
        sets = (np.sqrt(2 * overlap) * common[0] + np.sqrt(2 * (1 - overlap)) * apart) * (design.folds > 1)
        # In folds, half of the variance over seeds is that of a pretraining that all folds share. A single seed has no
        # pretraining of its own: it would be no claim about the chain.
        half = np.sqrt(0.5) if design.folds > 1 and design.seeds > 1 else 0.0
        shared_by_folds = rng.normal(0, half * design.sd, design.seeds)
        values, influence, folds, seeds = [], [], [], []
        for number in range(design.folds):
            of_fold = (fold == number) | design.elsewhere
            for seed in range(design.seeds):
                own_sd = design.sd * np.sqrt(1 - half**2)
                varied = labels[seed] + sets[number] + shared_by_folds[seed]
                learnt = np.clip(_around(auroc, own_sd, rng) + varied, 0.02, 0.9995)
                noise = rng.normal(0, np.sqrt(TRAINING), of_fold.sum())
                score = np.sqrt(2) * stats.norm.ppf(learnt) * positive[of_fold] + (shared + own)[of_fold] + noise
                value, moved = auroc_and_influence(positive[of_fold], score, member[of_fold], member.max() + 1)
                values.append(value), influence.append(moved), folds.append(number), seeds.append(seed)
        share = 1 / (design.folds - 1) if design.folds > 1 else 0.0
        names = np.arange(member.max() + 1)
        arrays = (np.array(folds), np.array(seeds), np.array(values), names, np.array(influence))
        classes = positive[np.unique(member, return_index=True)[1]].astype(int)
        known = {"draws_labels": design.labels > 0, "elsewhere": design.elsewhere}
        chains.append(Sample(*arrays, classes, test_share=share, **known))
    if design.seeds == 1 and design.folds == 1:
        chains = [replace(chain, is_random=False) for chain in chains]
    return chains[0], chains[1]


def _patients(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each image's patient, class and fold; every fold has two patients of each class at least."""
    if design.patients:
        member = np.repeat(np.arange(design.patients), rng.integers(1, 4, design.patients))
    else:
        member = np.repeat(np.arange(design.images), rng.integers(1, 4, design.images))[: design.images]
    count = member.max() + 1
    abnormal = np.clip(rng.binomial(count, design.prevalence), 2 * design.folds, count - 2 * design.folds)
    order = rng.permutation(count)
    positive, fold = np.zeros(count, bool), np.empty(count, int)
    positive[order[:abnormal]] = True
    fold[order] = np.arange(count) % design.folds
    return member, positive[member], fold[member]


def _around(mean: float, sd: float, rng: np.random.Generator) -> float:
    """A value between 0 and 1 with this mean and standard deviation."""
    if sd == 0:
        return mean
    total = mean * (1 - mean) / sd**2 - 1
    return rng.beta(mean * total, (1 - mean) * total)


def auroc_and_influence(
    positive: np.ndarray, score: np.ndarray, member: np.ndarray, patients: int
) -> tuple[float, np.ndarray]:
    """The AUROC and its influences in closed form, up to terms of second order those of `statistics.jackknife`.

    With few patients the jackknife itself is used, whose terms of second order then matter.
    """
    if len(np.unique(member)) <= 40 or min(len(np.unique(member[positive])), len(np.unique(member[~positive]))) <= 20:
        names = np.unique(member)
        scores = np.stack([-score, score], axis=1)
        evaluate = partial(_weighted_auroc, positive.astype(int), scores)
        ((value, moved),) = statistics.jackknife(evaluate, member)
        influence = np.zeros(patients)
        influence[names] = moved
        return value, influence
    m, n = int(positive.sum()), int((~positive).sum())
    components = np.empty(len(score))
    components[positive] = (_ranks(score)[positive] - _ranks(score[positive])) / n
    components[~positive] = 1 - (_ranks(score)[~positive] - _ranks(score[~positive])) / m
    value = components[positive].mean()
    moved = np.bincount(member, (components - value) / np.where(positive, m, n), patients)
    count = len(np.unique(member))
    return float(value), moved * np.sqrt(count / (count - 1))


def _ranks(score: np.ndarray) -> np.ndarray:
    """Ranks of scores without ties."""
    return score.argsort().argsort()


def _weighted_auroc(y: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return metrics.evaluate(["auroc"], y, scores, 1, weights)["auroc"][None]


def simulated(design: Design) -> dict[str, object]:
    """The row of a design; of one that misses a limit, that of four times as many simulations."""
    row = repeated(design, TIMES)
    kept = row["type_1"] <= MOST_ERRORS and min(row["coverage"], row["coverage_of_difference"]) >= LEAST_COVERAGE
    return row if kept else repeated(design, 4 * TIMES)


def repeated(design: Design, times: int) -> dict[str, Any]:
    """One row: type-I error at 0.05, coverage of both intervals, and power at a difference of `STEP`."""
    rng = np.random.default_rng(list(design.words.encode()))
    gap = -STEP if design.auroc > 0.9 else STEP
    rejected, covered, held, seen = [], [], [], []
    for _ in range(times):
        first, second = drawn(design, 0.0, rng)
        low, high = first.interval
        covered.append(low <= design.auroc <= high)
        found = difference(second, first)
        rejected.append(found.p <= 0.05)
        held.append(found.interval[0] <= 0 <= found.interval[1])
    for _ in range(times // 4):
        first, second = drawn(design, gap, rng)
        seen.append(difference(second, first).p <= 0.05)
    return {
        "what": design.words,
        "type_1": round(float(np.mean(rejected)), 3),
        "coverage": round(float(np.mean(covered)), 3),
        "coverage_of_difference": round(float(np.mean(held)), 3),
        "power_at_0.08": round(float(np.mean(seen)), 3),
        "times": times,
    }


def check() -> None:
    """The influences in closed form agree with the jackknife's."""
    rng = np.random.default_rng(0)
    member = np.repeat(np.arange(100), 2)
    positive = (np.arange(100) % 2 == 0)[member]
    score = positive + rng.normal(size=100)[member] + rng.normal(size=200)
    fast = auroc_and_influence(positive, score, member, 100)
    evaluate = partial(_weighted_auroc, positive.astype(int), np.stack([-score, score], axis=1))
    ((value, exact),) = statistics.jackknife(evaluate, member)
    assert abs(fast[0] - value) < 1e-12 and abs((fast[1] ** 2).sum() / (exact**2).sum() - 1) < 0.03


def main() -> None:
    check()
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        rows = list(processes.map(simulated, designs()))
    write("statistics", rows)
