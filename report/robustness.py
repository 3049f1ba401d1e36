"""The rows and curves for corrupted images and for a confounding marker.

A row is compared with the reference chain's only where both have the same trainings.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from indomain import metrics
from indomain.artifacts import explanations
from indomain.artifacts.explanations import CLEAN, MARKER
from report.caveats import interval_caveat, training_caveats
from report.comparison import RowKey, TableRow, compare, reference_of
from report.given import ReportInput
from report.sample import Sample, Training, mean_of, samples_of

DIFFERENT = "other trainings than the reference chain (one diverged): compared with nothing"


@dataclass(frozen=True)
class Summary:
    """What the table shows for one condition or for several together.

    Attributes:
        metric: name of the metric with the condition, as printed.
        sample: the metric of all trainings.
        compared: whether it is compared with the reference chain.
    """

    metric: str
    sample: Sample
    compared: bool = False


class CorruptedArm:
    """The scores of an arm's test images under every condition, over its trainings.

    Args:
        given: the input of the report.
        key: the coordinates of the arm.
        frame: the rows of `corrupted.csv` of all trainings, with `fold` and `seed`.
        diverged: whether other trainings of the arm diverged.

    Attributes:
        key: the coordinates of the arm.
        frame, diverged: as above.
        metric: name of the metric.
        samples: (corruption, severity) -> the metric of all trainings.
    """

    def __init__(self, given: ReportInput, key: RowKey, frame: pd.DataFrame, diverged: bool = False) -> None:
        self.key, self.frame, self.metric, self.diverged = key, frame, given.metric, diverged
        info = given.info(key)
        names = [f"score_{name}" for name in info.classes]
        bounds = metrics.bounds(self.metric, len(names))
        is_random = frame["seed"].nunique() > 1 or len(given.seeds(key.profile)) == 1 or diverged
        self.samples: dict[tuple[str, int], Sample] = {}
        for (corruption, severity), part in frame.groupby(["corruption", "severity"], sort=False):
            trainings = []
            for (fold, seed), rows in part.groupby(["fold", "seed"]):
                y, scores = rows["y"].to_numpy(), rows[names].to_numpy()
                evaluate = partial(_evaluate, self.metric, y, scores, info.positive_index)
                trainings.append(Training(int(fold), int(seed), rows["group"].to_numpy(), evaluate, y))
            self.samples[corruption, severity] = samples_of(given, key, trainings, [bounds], is_random)[0]

    @property
    def corruptions(self) -> list[str]:
        """The names of the corruptions, without the uncorrupted images and the marker."""
        names = dict.fromkeys(name for name, _ in self.samples)
        return [name for name in names if name != CLEAN and not name.startswith(MARKER)]

    @property
    def conditions(self) -> dict[str, Sample]:
        """The metric under each condition of a marker: "as learnt", "absent", "reversed"."""
        samples = self.samples.items()
        return {name.removeprefix(MARKER): sample for (name, _), sample in samples if name.startswith(MARKER)}

    def area(self, corruption: str) -> Sample:
        """The mean over the severities of a corruption, which is the area under its curve.

        Args:
            corruption: its name.
        """
        return mean_of([sample for (name, _), sample in self.samples.items() if name == corruption])

    def summaries(self) -> list[Summary]:
        """What the table shows: no corruption, all corruptions, each corruption, and each condition of a marker."""
        summaries = []
        areas = {name: self.area(name) for name in self.corruptions}
        if areas:
            summaries.append(Summary(f"{self.metric} under no corruption", self.samples[CLEAN, 0]))
            summaries.append(Summary(f"{self.metric} under corruption", mean_of(list(areas.values())), compared=True))
            summaries += [Summary(f"{self.metric} under {name}", area) for name, area in areas.items()]
        for condition, sample in self.conditions.items():
            summaries.append(Summary(f"{self.metric}, marker {condition}", sample, compared=condition == "absent"))
        return summaries

    def images(self) -> set[tuple[int, str]]:
        """The test images, as (fold, id)."""
        return set(zip(self.frame["fold"], self.frame["id"]))


def _evaluate(metric: str, y: np.ndarray, scores: np.ndarray, positive: int | None, weights: np.ndarray) -> np.ndarray:
    return metrics.evaluate([metric], y, scores, positive, weights)[metric][None]


def corrupted_arms(given: ReportInput) -> list[CorruptedArm]:
    """The arms of all `robustness` runs; the runs of several folds and seeds form one arm.

    Args:
        given: the input of the report.
    """
    frames: dict[RowKey, list[pd.DataFrame]] = {}
    diverged: set[RowKey] = set()
    for tags, folder in given.of_kind("explain/robustness"):
        # Runs that diverged have no scores.
        if (folder / explanations.CORRUPTED).is_file():
            frame = explanations.read_corrupted(folder).assign(fold=tags.fold, seed=tags.seed)
            frames.setdefault(RowKey.of(tags), []).append(frame)
        else:
            diverged.add(RowKey.of(tags))
    joined = {key: pd.concat(parts, ignore_index=True) for key, parts in frames.items()}
    return [CorruptedArm(given, key, frame, key in diverged) for key, frame in joined.items()]


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
        others = {other.metric: other.sample for other in reference.summaries()} if reference else {}
        for summary in arm.summaries():
            compared, notes = None, [interval_caveat(summary.sample), *training_caveats(given, key, summary.sample)]
            if reference and summary.compared:
                there = others[summary.metric]
                if arm.images() == reference.images() and not arm.diverged and not reference.diverged:
                    compared = compare(given, key, "robustness", summary.metric, summary.sample, reference.key, there)
                else:
                    notes.append(DIFFERENT)
            rows.append(
                TableRow(
                    key=key,
                    kind="robustness",
                    metric=summary.metric,
                    data=given.info(key).data,
                    sample=summary.sample,
                    mean=summary.sample.mean,
                    interval=summary.sample.interval,
                    n_images=arm.frame["id"].nunique(),
                    n_patients=arm.frame["group"].nunique() if given.info(key).has_patients else float("nan"),
                    comparison=compared,
                    note="; ".join(filter(None, notes)),
                )
            )
    return rows


def curves(arms: list[CorruptedArm]) -> pd.DataFrame:
    """One row per point of a curve: the arm's coordinates, corruption, severity (0: uncorrupted), mean, interval.

    Args:
        arms: as `corrupted_arms` returned them.
    """
    points = []
    for arm in arms:
        words = {name: word for name, word in arm.key.words().items() if name != "level"}
        for (name, severity), sample in arm.samples.items():
            low, high = sample.interval
            point = {"corruption": name, "severity": severity, "mean": sample.mean}
            points.append({**words, **point, "ci_low": low, "ci_high": high})
    return pd.DataFrame(points)
