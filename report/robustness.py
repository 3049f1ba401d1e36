"""The rows and curves for corrupted images and for a confounding marker, for the networks of the first seed.

A row is compared with the reference chain's only where both have the same images in the same folds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from indomain import metrics
from indomain.artifacts import explanations
from indomain.artifacts.explanations import CLEAN, MARKER
from indomain.artifacts.record import read_record
from report import statistics
from report.comparison import Comparison, RowKey, TableRow, compare, reference_of
from report.explanations import DIFFERENT
from report.given import ReportInput


@dataclass(frozen=True)
class Values:
    """A metric under one condition.

    Attributes:
        folds: (folds,), the value in each fold; NaN where it is not defined.
        drawn: (samples,), the mean over the folds in each bootstrap sample of patients.
    """

    folds: np.ndarray
    drawn: np.ndarray

    @property
    def mean(self) -> float:
        """The mean over the folds in which the metric is defined; NaN if it is defined in none."""
        return float(np.nanmean(self.folds)) if np.isfinite(self.folds).any() else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high) of the 95 % interval."""
        return statistics.percentile_interval(self.drawn)


@dataclass(frozen=True)
class Summary:
    """What the table shows for one condition or for several together.

    Attributes:
        metric: name of the metric with the condition, as printed.
        values: the metric's values.
        compared: whether it is compared with the reference chain.
    """

    metric: str
    values: Values
    compared: bool = False


class CorruptedArm:
    """The scores of an arm's test images under every condition, over its folds.

    Args:
        given: the input of the report, with the metric, bootstrap samples and seed.
        key: the coordinates of the arm.
        frame: the rows of `corrupted.csv` of all runs, with `fold`, `seed` and `learnt`, the number of training images.

    Attributes:
        key: the coordinates of the arm.
        frame: as above.
        metric: name of the metric.
        folds: (runs,), the fold of each run.
        values: (corruption, severity) -> the values of the metric.
    """

    def __init__(self, given: ReportInput, key: RowKey, frame: pd.DataFrame) -> None:
        self.key, self.frame, self.metric = key, frame, given.metric
        self.folds = [fold for (fold, _), _ in frame.groupby(["fold", "seed"])]
        info, options = given.info(key), given.options
        names = [f"score_{name}" for name in info.classes]
        groups = np.unique(frame["group"].to_numpy())
        weights = statistics.bootstrap_weights(groups, options["samples"], options["seed"])
        self.values: dict[tuple[str, int], Values] = {}
        for (corruption, severity), part in frame.groupby(["corruption", "severity"], sort=False):
            by_fold = []
            for _, fold in part.groupby(["fold", "seed"]):
                drawn_weights = weights[:, np.searchsorted(groups, fold["group"].to_numpy())]
                # The first row of weights, all 1, yields the plain value, the others yield those of the bootstrap samples.
                fold_weights = np.concatenate([np.ones((1, len(fold))), drawn_weights])
                y, scores = fold["y"].to_numpy(), fold[names].to_numpy()
                value = metrics.evaluate([self.metric], y, scores, info.positive_index, fold_weights)[self.metric]
                # A sample without any of this fold's patients has no value.
                by_fold.append(np.where(fold_weights.sum(axis=1) > 0, value, np.nan))
            drawn = statistics.mean_over_runs([value[1:] for value in by_fold])
            self.values[corruption, severity] = Values(np.array([value[0] for value in by_fold]), drawn)

    @property
    def corruptions(self) -> list[str]:
        """The names of the corruptions, without the uncorrupted images and the marker."""
        names = dict.fromkeys(name for name, _ in self.values)
        return [name for name in names if name != CLEAN and not name.startswith(MARKER)]

    @property
    def conditions(self) -> dict[str, Values]:
        """The values under each condition of a marker: "as learnt", "absent", "reversed"."""
        return {name.removeprefix(MARKER): value for (name, _), value in self.values.items() if name.startswith(MARKER)}

    def area(self, corruption: str) -> Values:
        """The mean over the severities of a corruption, which is the area under its curve.

        Args:
            corruption: its name.
        """
        return _mean([value for (name, _), value in self.values.items() if name == corruption])

    def summaries(self) -> list[Summary]:
        """What the table shows: no corruption, all corruptions, each corruption, and each condition of a marker."""
        summaries = []
        areas = {name: self.area(name) for name in self.corruptions}
        if areas:
            summaries.append(Summary(f"{self.metric} under no corruption", self.values[CLEAN, 0]))
            summaries.append(Summary(f"{self.metric} under corruption", _mean(list(areas.values())), compared=True))
            summaries += [Summary(f"{self.metric} under {name}", area) for name, area in areas.items()]
        for condition, values in self.conditions.items():
            summaries.append(Summary(f"{self.metric}, marker {condition}", values, compared=condition == "absent"))
        return summaries

    def images(self) -> set[tuple[int, int, str]]:
        """The test images of each run, as (fold, seed, id)."""
        return set(zip(self.frame["fold"], self.frame["seed"], self.frame["id"]))


def _mean(values: list[Values]) -> Values:
    return Values(
        np.mean([value.folds for value in values], axis=0), np.mean([value.drawn for value in values], axis=0)
    )


def corrupted_arms(given: ReportInput) -> list[CorruptedArm]:
    """The arms of all `robustness` runs; the runs of several folds form one arm.

    Args:
        given: the input of the report.
    """
    frames: dict[RowKey, list[pd.DataFrame]] = {}
    for tags, folder in given.of_kind("explain/robustness"):
        # Runs that diverged have no scores.
        if (folder / explanations.CORRUPTED).is_file():
            learnt = read_record(folder).facts["learnt"]
            frame = explanations.read_corrupted(folder).assign(fold=tags.fold, seed=tags.seed, learnt=learnt)
            frames.setdefault(RowKey.of(tags), []).append(frame)
    return [CorruptedArm(given, key, pd.concat(parts, ignore_index=True)) for key, parts in frames.items()]


def robustness_rows(arms: list[CorruptedArm], given: ReportInput) -> list[TableRow]:
    """One row per arm and summary; the mean over all corruptions and the absent marker are compared with the reference.

    Args:
        arms: as `corrupted_arms` returned them.
        given: the input of the report.
    """
    by_key = {arm.key: arm for arm in arms}
    rows = []
    for key, arm in by_key.items():
        reference = reference_of(key, by_key, given.options["compare_with"])
        others = {other.metric: other.values for other in reference.summaries()} if reference else {}
        for summary in arm.summaries():
            compared, note = None, ""
            if reference and summary.compared:
                if arm.images() == reference.images():
                    compared = _compared(arm, reference.key.chain, summary.values, others[summary.metric])
                else:
                    note = DIFFERENT
            rows.append(_row(given, arm, summary, compared, note))
    return rows


def _row(given: ReportInput, arm: CorruptedArm, summary: Summary, compared: Comparison | None, note: str) -> TableRow:
    info, frame = given.info(arm.key), arm.frame
    return TableRow(
        key=arm.key,
        kind="robustness",
        metric=summary.metric,
        data=info.data,
        mean=summary.values.mean,
        interval=summary.values.interval,
        n_runs=len(summary.values.folds),
        n_images=frame["id"].nunique(),
        n_patients=frame["group"].nunique() if info.has_patients else float("nan"),
        comparison=compared,
        note=note,
    )


def _compared(arm: CorruptedArm, chain: str, here: Values, there: Values) -> Comparison:
    # Averaged over seeds first: runs on the same split are not independent samples.
    differences = pd.Series(here.folds - there.folds, arm.folds).dropna().groupby(level=0).mean()
    by_fold = arm.frame.groupby("fold")
    share = float((by_fold["id"].nunique() / by_fold["learnt"].first()).mean())
    units = arm.frame["group"].nunique()
    return compare(chain, float(differences.mean()), differences, share, here.drawn - there.drawn, units)


def curves(arms: list[CorruptedArm]) -> pd.DataFrame:
    """One row per point of a curve: the arm's coordinates, corruption, severity (0: uncorrupted), mean, interval.

    Args:
        arms: as `corrupted_arms` returned them.
    """
    points = []
    for arm in arms:
        words = {name: word for name, word in arm.key.words().items() if name != "level"}
        for (name, severity), values in arm.values.items():
            low, high = values.interval
            point = {"corruption": name, "severity": severity, "mean": float(np.nanmean(values.folds))}
            points.append({**words, **point, "ci_low": low, "ci_high": high})
    return pd.DataFrame(points)
