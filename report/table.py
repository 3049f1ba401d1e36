"""The table: one row per target, chain, backbone, method, label budget and metric, with interval and test."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from indomain import metrics
from report import statistics
from report.arms import ArmResults, Run
from report.caveats import interval_caveat, undefined_caveat
from report.comparison import Comparison, RowKey, TableRow, compare, reference_of
from report.given import ReportInput

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
    "sd_runs",
    "n_runs",
    "n_images",
    "n_patients",
    "difference",
    "p_value",
    "p_uncorrected",
    "test",
    "compared_with",
    "n_comparisons",
    "reported",
    "minus_reported",
    "reported_source",
    "note",
    "kind",  # not written to table.csv: decides in which table of the page a row is listed
]
CALIBRATED = ("brier", "ece")  # the metrics that a temperature changes


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
    by_key = {arm.key: _Evaluated(arm, names, options["samples"], options["seed"]) for arm in arms if arm.runs}
    rows = []
    for key, here in by_key.items():
        reference = reference_of(key, by_key, options["compare_with"])
        for name in [name for name in names if not key.method.calibrated or name in CALIBRATED]:
            compared = None
            if reference and name in options["test_metrics"]:
                compared = _compared(here, reference, name)
            rows.append(_row(here, name, compared, _reported(options["reported"], key, name)))
    return rows


class _Evaluated:
    """An arm with its metrics, for each run and in bootstrap samples of patients.

    Args:
        arm: the arm, with at least one run.
        names: the metrics.
        samples: number of bootstrap samples.
        seed: seed of the bootstrap; arms with the same patients have the same samples.

    Attributes:
        plain: metric -> (runs,), its value in each run.
        drawn: metric -> for each run (samples,), its value in each bootstrap sample.
    """

    def __init__(self, arm: ArmResults, names: list[str], samples: int, seed: int) -> None:
        self.arm = arm
        self.plain = {
            name: np.array([_evaluate([name], run, arm.positive)[name][0] for run in arm.runs]) for name in names
        }
        groups = np.unique(np.concatenate([run.groups for run in arm.runs]))
        weights = statistics.bootstrap_weights(groups, samples, seed)
        self.drawn: dict[str, list[np.ndarray]] = {name: [] for name in names}
        for run in arm.runs:
            run_weights = weights[:, np.searchsorted(groups, run.groups)]
            values = _evaluate(names, run, arm.positive, run_weights)
            for name in names:
                # A sample without any of this fold's patients has no value.
                self.drawn[name].append(np.where(run_weights.sum(axis=1) > 0, values[name], np.nan))

    def mean(self, name: str) -> float:
        """The mean over the runs in which a metric is defined; NaN if it is defined in none."""
        values = self.plain[name]
        return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")

    def interval(self, name: str) -> tuple[float, float]:
        """(low, high) of the 95 % interval of a metric's mean."""
        return statistics.percentile_interval(statistics.mean_over_runs(self.drawn[name]))


def _evaluate(
    names: list[str], run: Run, positive: int | None, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Metrics of a run, one value per row of weights; those at a sensitivity are NaN where the run has no threshold."""
    at_threshold = [name for name in names if isinstance(name, AtSensitivity)]
    others = [name for name in names if name not in at_threshold]
    values = metrics.evaluate(others, run.y, run.scores, positive, weights)
    if at_threshold and positive is not None and np.isfinite(run.threshold):
        above = (run.scores[:, positive] >= run.threshold).astype(int)
        ones = np.ones((1, len(run.y))) if weights is None else weights
        matrix = metrics.confusion((run.y == positive).astype(int), above, 2, ones)
        of_matrix = metrics.of_confusion(matrix, 1)
        return values | {name: of_matrix[name.metric] for name in at_threshold}
    return values | {name: np.full(1 if weights is None else len(weights), np.nan) for name in at_threshold}


def _row(here: _Evaluated, name: str, compared: Comparison | None, reported: dict[str, Any] | None) -> TableRow:
    arm, plain = here.arm, here.plain[name]
    interval = here.interval(name)
    patients = len({group for run in arm.runs for group in run.groups})
    return TableRow(
        key=arm.key,
        kind="score",
        metric=name,
        data=arm.info.data,
        mean=here.mean(name),
        interval=interval,
        n_runs=len(arm.runs),
        n_images=len({image for run in arm.runs for image in run.ids}),
        n_patients=patients if arm.info.has_patients else float("nan"),
        sd_runs=float(np.nanstd(plain, ddof=1)) if np.isfinite(plain).sum() > 1 else float("nan"),
        comparison=compared,
        reported=reported,
        note=_note(arm, name, plain, interval),
    )


def _note(arm: ArmResults, name: str, plain: np.ndarray, interval: tuple[float, float]) -> str:
    if arm.diverged:
        count = len(arm.diverged)
        return f"diverged in {count} of {count + len(arm.runs)} runs; mean of the others, compared with nothing"
    if isinstance(name, AtSensitivity):
        if arm.positive is None:
            return "no positive class to state a sensitivity for"
        if not np.isfinite([run.threshold for run in arm.runs]).any():
            return "no validation images left to choose the threshold on"
    notes = [undefined_caveat(plain) or interval_caveat(interval)]
    if arm.dead:
        notes = [f"{arm.dead} of {len(arm.runs)} runs give every image the same score: the network has died"]
        notes[0] += "; compared with nothing" if arm.dead == len(arm.runs) else ""
    notes += ["test images carry the marker as it was learnt"] * arm.marked
    notes += ["leaks between training and test are kept"] * bool(arm.info.leaks and not arm.info.dropped)
    return "; ".join(filter(None, notes))


def _compared(here: _Evaluated, reference: _Evaluated, name: str) -> Comparison | None:
    """The comparison with the reference arm; None if one of the two must not be compared.

    * Several folds: corrected resampled t-test on the folds' differences, each averaged over its seeds.
    * One fold, one run each, one image per patient: DeLong for AUROC, McNemar for accuracy.
    * Otherwise: paired bootstrap over patients of the mean over seeds.
    """
    if not here.arm.is_comparable or not reference.arm.is_comparable:
        return None
    runs, others = here.arm.runs, reference.arm.runs
    positions = {(run.fold, run.seed): number for number, run in enumerate(others)}
    pairs = [
        (number, positions[run.fold, run.seed]) for number, run in enumerate(runs) if (run.fold, run.seed) in positions
    ]
    chain, difference = reference.arm.key.chain, here.mean(name) - reference.mean(name)
    exact = _exact(here.arm, reference.arm, name)
    if exact:
        return Comparison(chain, difference, exact[1], exact[0])
    # Averaged over seeds first: runs on the same split are not independent samples.
    values = [here.plain[name][a] - reference.plain[name][b] for a, b in pairs]
    by_fold = pd.Series(values, [runs[a].fold for a, _ in pairs], dtype=float).dropna().groupby(level=0).mean()
    share = float(np.mean([run.n_test / run.n_train for run in runs]))
    drawn = statistics.mean_over_runs(here.drawn[name]) - statistics.mean_over_runs(reference.drawn[name])
    units = len({group for run in runs for group in run.groups})
    return compare(chain, difference, by_fold, share, drawn, units)


def _exact(arm: ArmResults, reference: ArmResults, name: str) -> tuple[str, float] | None:
    """Name and p of the test for one run each on the same images, one per patient; None where there is no such test."""
    first, second = arm.runs[0], reference.runs[0]
    single = len(arm.runs) == len(reference.runs) == 1
    if not single or not np.array_equal(first.ids, second.ids) or len(set(first.groups)) < len(first.groups):
        return None
    if name == "auroc" and arm.positive is not None:
        number = arm.positive
        return "DeLong", statistics.delong(first.y == number, first.scores[:, number], second.scores[:, number])[2]
    if name == "accuracy":
        right = [run.scores.argmax(axis=1) == run.y for run in (first, second)]
        return "McNemar (exact)", statistics.mcnemar(*right)
    return None


def _reported(reported: list[dict[str, Any]], key: RowKey, name: str) -> dict[str, Any] | None:
    """The first published number to list next to a row; None if there is none."""
    return next((entry for entry in reported if entry["metric"] == name and key.matches(entry)), None)


def finished(rows: Iterable[TableRow]) -> pd.DataFrame:
    """The table of all rows, with the p values of all comparisons corrected together by Holm's method.

    Args:
        rows: the rows with numbers.
    """
    table = pd.DataFrame([row.cells() for row in rows]).reindex(columns=COLUMNS)
    table["p_value"] = statistics.holm(table["p_uncorrected"].to_numpy(float))
    table["n_comparisons"] = int(table["p_uncorrected"].notna().sum())
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
