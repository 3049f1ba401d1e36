"""The table: one row per target, chain, backbone, method, label budget and metric, with interval and test."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from indomain import metrics
from indomain.recipe.recipe import BASELINE
from report import statistics
from report.arms import ArmResults, Run
from report.caveats import choices_remark, interval_caveat, shares_remark, training_caveats, undefined_caveat
from report.comparison import (
    ONE_TRAINING,
    Comparison,
    RowKey,
    TableRow,
    compare,
    control_of,
    less_is_better,
    reference_of,
    verdict,
)
from report.given import ReportInput
from report.sample import Sample, Training, samples_of

COLUMNS = [
    "profile",
    "target",
    "data",
    "budget",
    "chain",
    "backbone",
    "method",
    "level",
    "metric",
    "mean",
    "ci_low",
    "ci_high",
    "interval_holds",
    "sd_runs",
    "n_runs",
    "n_images",
    "n_patients",
    "difference",
    "difference_low",
    "difference_high",
    "verdict",
    "p_value",
    "p_uncorrected",
    "test",
    "compared_with",
    "family",
    "n_comparisons",
    "detectable",
    "same_network_difference",
    "same_network_low",
    "same_network_high",
    "same_network_with",
    "reported",
    "minus_reported",
    "reported_source",
    "note",
    "kind",  # not written to table.csv: decides in which table of the page a row is listed
]
CALIBRATION = "calibration_error"
CALIBRATED = ("brier", CALIBRATION)  # the metrics that a temperature changes


class AtSensitivity(str):
    """A metric at the threshold for a given sensitivity, by its name in the table: "specificity at sensitivity 0.9".

    Args:
        metric: "sensitivity" or "specificity".
        sensitivity: the sensitivity that the threshold reaches on validation images, above 0 and up to 1.
    """

    metric: str

    def __new__(cls, metric: str, sensitivity: float) -> "AtSensitivity":
        name = super().__new__(cls, f"{metric} at sensitivity {sensitivity:g}")
        name.metric = metric
        return name


def metric_names(options: dict[str, Any]) -> list[str]:
    """The names of the table's metrics: those of `metrics`, and those at a given sensitivity if there is one.

    Args:
        options: [report] as JSON.
    """
    names: list[str] = list(options["metrics"])
    if options["sensitivity"]:
        names += [AtSensitivity(name, options["sensitivity"]) for name in ("sensitivity", "specificity")]
    return names


def score_rows(arms: list[ArmResults], given: ReportInput) -> list[TableRow]:
    """The rows on predictions, one per arm and metric.

    Args:
        arms: all arms of the table.
        given: the input of the report.
    """
    options, names = given.options, metric_names(given.options)
    control = options["control"]
    by_key = {arm.key: arm for arm in arms if arm.runs}
    samples = {key: _samples(given, arm, names) for key, arm in by_key.items()}
    best = best_imagenet(given, by_key.values())
    rows = []

    def compared(arm: ArmResults, other: ArmResults | None, name: str, is_best: bool) -> Comparison | None:
        if not other or name not in options["test_metrics"] or not arm.is_comparable or not other.is_comparable:
            return None
        here, there = samples[arm.key][name], samples[other.key][name]
        found = compare(given, arm.key, "score", name, here, other.key, there, is_best)
        return _of_two_networks(found, arm, other, name)

    for key, arm in by_key.items():
        same_network = reference_of(key, by_key, options["compare_with"])
        is_best = _of_target(key) in best
        reference = best.get(_of_target(key), same_network)
        if key.method.adaptation or key.method.mixture:
            reference, same_network, is_best = control_of(key, by_key), None, False
        elif key.chain == BASELINE or reference is arm:
            reference = same_network = None
        beside = _of_control(key, by_key, control)
        for name in [name for name in names if not key.method.calibrated or name in CALIBRATED]:
            row = _row(given, arm, name, samples[key][name], compared(arm, reference, name, is_best))
            if beside:
                found = compared(arm, beside, name, False)
                row = replace(row, same_network=replace(found, reference=control) if found else None)
            elif is_best:
                row = replace(row, same_network=compared(arm, same_network, name, False))
            rows.append(row)
    return rows


def best_imagenet(given: ReportInput, arms: Iterable[ArmResults]) -> dict[tuple, ArmResults]:
    """The best ImageNet row of each profile, target, budget and level, by the first metric on validation images.

    Args:
        given: the input of the report.
        arms: all arms with runs.

    Returns:
        Nothing where the recipe names its reference, or has no baseline there: networks that only this recipe chose are not
        what is best.
    """
    by_key = {arm.key: arm for arm in arms}
    found: dict[tuple, list[ArmResults]] = {}
    for arm in by_key.values():
        is_plain = given.is_imagenet(arm.key.chain) and not (arm.key.method.mixture or arm.key.method.adaptation)
        if is_plain and arm.is_comparable and np.isfinite(arm.validated):
            found.setdefault(_of_target(arm.key), []).append(arm)
    sign = -1 if less_is_better(given.metric) else 1
    best = {
        where: max(candidates, key=lambda arm: sign * arm.validated)
        for where, candidates in found.items()
        if given.options["best_imagenet"] and any(arm.key.chain == BASELINE for arm in candidates)
    }
    # Nothing is chosen on another set: what is best there is what is best on the target.
    for key in by_key:
        if target := given.external_of(key):
            chosen = best.get(_of_target(replace(key, target=target)))
            if chosen and (there := by_key.get(replace(chosen.key, target=key.target))):
                best[_of_target(key)] = there
    return best


def _of_control(key: RowKey, known: Mapping[RowKey, ArmResults], control: str) -> ArmResults | None:
    """The control strategy in the same chain and network; None for itself, and for what is no strategy."""
    own = key.method.strategy
    if not own or own == control or key.method.adaptation or key.method.mixture:
        return None
    return known.get(replace(key, method=replace(key.method, strategy=control))) if control else None


def _of_target(key: RowKey) -> tuple:
    # Calibrated scores are compared with calibrated ones.
    return key.profile, key.target, key.budget, key.level, key.method.calibrated


def _samples(given: ReportInput, arm: ArmResults, names: list[str]) -> dict[str, Sample]:
    """Metric -> its values in all runs of an arm, and how much each patient moves them."""
    plain = [name for name in names if name != CALIBRATION]
    samples = measured(given, arm, arm.runs, plain) if plain else {}
    if CALIBRATION in names:
        # Bins need many images: the scores of all folds are pooled, unless all are of the same images.
        seeds = sorted({run.seed for run in arm.runs})
        of_seeds = [pooled([run for run in arm.runs if run.seed == seed]) for seed in seeds]
        samples |= measured(given, arm, arm.runs if given.external_of(arm.key) else of_seeds, [CALIBRATION])
    return samples


def pooled(runs: list[Run]) -> Run:
    """The predictions of all folds of a seed as one run.

    Args:
        runs: of that seed.
    """
    y, scores, groups, ids = (
        np.concatenate([getattr(run, name) for run in runs]) for name in ("y", "scores", "groups", "ids")
    )
    return replace(runs[0], fold=0, y=y, scores=scores, groups=groups, ids=ids)


def measured(given: ReportInput, arm: ArmResults, runs: list[Run], names: list[str]) -> dict[str, Sample]:
    """Metric -> its values in some runs of an arm, and how much each patient moves them.

    Args:
        given: the input of the report.
        arm: the arm.
        runs: at least one.
        names: of the metrics.
    """
    trainings = [
        Training(run.fold, run.seed, run.groups, partial(_evaluate, names, run, arm.positive), run.y) for run in runs
    ]
    bounds = [_bounds(name, runs[0].scores.shape[1]) for name in names]
    # What does not depend on the seed is done for the first seed only.
    is_random = len({run.seed for run in runs}) > 1 or len(given.seeds(arm.key.profile)) == 1 or bool(arm.diverged)
    return dict(zip(names, samples_of(given, arm.key, trainings, bounds, is_random)))


def _bounds(name: str, classes: int) -> tuple[float, float]:
    return (0.0, 1.0) if isinstance(name, AtSensitivity) else metrics.bounds(name, classes)


def _evaluate(names: list[str], run: Run, positive: int | None, weights: np.ndarray) -> np.ndarray:
    """Metrics of a run, (metrics, samples); those at a sensitivity are NaN where the run has no threshold.

    The calibration error is squared, with its sign: as a square it has a variance where it is 0.
    """
    at_threshold = [name for name in names if isinstance(name, AtSensitivity)]
    others = [name for name in names if name not in at_threshold]
    values = metrics.evaluate(others, run.y, run.scores, positive, weights)
    if CALIBRATION in values:
        values[CALIBRATION] = values[CALIBRATION] * np.abs(values[CALIBRATION])
    if at_threshold and positive is not None and np.isfinite(run.threshold):
        above = (run.scores[:, positive] >= run.threshold).astype(int)
        matrix = metrics.confusion((run.y == positive).astype(int), above, 2, weights)
        of_matrix = metrics.of_confusion(matrix, 1)
        values |= {name: of_matrix[name.metric] for name in at_threshold}
    else:
        values |= {name: np.full(len(weights), np.nan) for name in at_threshold}
    return np.stack([values[name] for name in names])


def _row(given: ReportInput, arm: ArmResults, name: str, sample: Sample, compared: Comparison | None) -> TableRow:
    patients = len(set(sample.patients))
    mean, interval = sample.mean, sample.interval
    if name == CALIBRATION:
        half = statistics.half_width(sample.parts)
        # Where even the upper end is below 0, chance has hidden whatever error there is.
        known = mean + half > 0
        mean, *ends = (float(np.sqrt(max(square, 0.0))) for square in (mean, mean - half, mean + half))
        interval = (ends[0], ends[1]) if known else (float("nan"), float("nan"))
        sample = replace(sample, values=np.sign(sample.values) * np.sqrt(np.abs(sample.values)))
    return TableRow(
        key=arm.key,
        kind="score",
        metric=name,
        data=arm.info.data,
        sample=sample,
        mean=mean,
        interval=interval,
        n_runs=len(arm.runs),
        n_images=len({image for run in arm.runs for image in run.ids}),
        n_patients=patients if arm.info.has_patients else float("nan"),
        comparison=compared,
        reported=_reported(given.options["reported"], arm.key, name),
        note=_note(given, arm, name, sample),
    )


def _note(given: ReportInput, arm: ArmResults, name: str, sample: Sample) -> str:
    if arm.diverged:
        count = len(arm.diverged)
        return f"diverged in {count} of {count + len(arm.runs)} runs; mean of the others, compared with nothing"
    if isinstance(name, AtSensitivity):
        if arm.positive is None:
            return "no positive class to state a sensitivity for"
        if not np.isfinite([run.threshold for run in arm.runs]).any():
            return "no validation images left to choose the threshold on"
    notes = [undefined_caveat(sample.values) or interval_caveat(sample)]
    if arm.dead:
        notes = [f"{arm.dead} of {len(arm.runs)} runs give every image the same score: the network has died"]
        notes[0] += "; compared with nothing" if arm.dead == len(arm.runs) else ""
    # Pooled over folds, a calibration error has fewer values than there are trainings.
    notes += training_caveats(given, arm.key, sample) if name != CALIBRATION else []
    notes += ["test images carry the marker as it was learnt"] * arm.marked
    notes += choices_remark(arm.chosen)
    notes += shares_remark(arm.info.classes, arm.shares)
    notes += ["leaks between training and test are kept"] * bool(arm.info.leaks and not arm.info.dropped)
    return "; ".join(filter(None, notes))


def _of_two_networks(compared: Comparison, arm: ArmResults, reference: ArmResults, name: str) -> Comparison:
    """Adds the test of two networks on the same images, one per patient, where there is one training of each.

    It compares these networks: a second training could give another result.
    """
    first, second = arm.runs[0], reference.runs[0]
    single = len(arm.runs) == len(reference.runs) == 1 and compared.family == ONE_TRAINING
    if not single or not np.array_equal(first.ids, second.ids) or len(set(first.groups)) < len(first.groups):
        return compared
    if name == "auroc" and arm.positive is not None:
        number = arm.positive
        p = statistics.delong(first.y == number, first.scores[:, number], second.scores[:, number])[2]
        return replace(compared, difference=replace(compared.difference, p=p, test="DeLong, of these two networks"))
    if name == "accuracy":
        p = statistics.mcnemar(*(run.scores.argmax(axis=1) == run.y for run in (first, second)))
        return replace(compared, difference=replace(compared.difference, p=p, test="McNemar, of these two networks"))
    return compared


def _reported(reported: list[dict[str, Any]], key: RowKey, name: str) -> dict[str, Any] | None:
    """The first published number to list next to a row; None if there is none."""
    return next((entry for entry in reported if entry["metric"] == name and key.matches(entry)), None)


def finished(rows: Iterable[TableRow], margin: float) -> pd.DataFrame:
    """The table of all rows, with p values corrected by Holm's method within each family, and verdicts.

    Args:
        rows: the rows with numbers.
        margin: differences up to this one do not matter, above 0.
    """
    table = pd.DataFrame([row.cells() for row in rows]).reindex(columns=COLUMNS)
    for _, part in table.groupby("family"):
        table.loc[part.index, "p_value"] = statistics.holm(part["p_uncorrected"].to_numpy(float))
        table.loc[part.index, "n_comparisons"] = part["p_uncorrected"].notna().sum()
    # One training of a chain says nothing about the chain.
    claimed = table["family"].notna() & (table["family"] != ONE_TRAINING)
    names = ["metric", "difference_low", "difference_high", "difference", "p_value"]
    table["verdict"] = [
        (verdict(metric, low, high, difference, p, margin) or None) if is_claimed else None
        for is_claimed, metric, low, high, difference, p in zip(claimed, *(table[name] for name in names))
    ]
    return table


def absent(arms: list[ArmResults], given: ReportInput) -> pd.DataFrame:
    """Rows without numbers, for arms that cannot be run or that diverged, so that a reader does not believe them forgotten.

    Args:
        arms: all arms of the table.
        given: the input of the report.
    """
    diverged = [{**arm.key.words(), "note": f"diverged: {arm.diverged[0]}"} for arm in arms if not arm.runs]
    rows = [{**words, "metric": given.metric, "kind": "score"} for words in [*given.missing, *diverged]]
    return pd.DataFrame(rows).reindex(columns=COLUMNS)
