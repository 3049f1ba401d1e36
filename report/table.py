"""The table: one row for each target, chain, backbone, method, label budget and metric, with interval and test."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import files, metrics, predictions
from report import calibration, levels, statistics

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
]
AT = " at sensitivity "  # metrics of the operating point: "specificity at sensitivity 0.9"
CALIBRATED = ("brier", "ece")  # what a temperature changes, beside the scores themselves
ROW = ("profile", "target", "budget", "backbone", "method", "chain", "level")


@dataclass
class Run:
    """The test predictions of one run, for images or for what several images make up: see `report.levels`."""

    fold: int
    seed: int
    y: np.ndarray
    scores: np.ndarray
    groups: np.ndarray
    ids: np.ndarray
    n_train: int
    n_test: int  # images, however many of them make one unit
    threshold: float = float("nan")  # of the positive class's score, chosen on validation images; NaN: none


@dataclass
class Row:
    """All runs of one line of the table."""

    labels: dict[str, Any]
    facts: dict[str, Any]  # the target's listing
    runs: list[Run] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)  # of each run without predictions: what became no number

    @property
    def dead(self) -> int:
        """How many runs give every image the same scores: networks whose units have died answer so, whatever they see."""
        return sum(bool((np.ptp(run.scores, axis=0) < 1e-6).all()) for run in self.runs)

    @property
    def positive(self) -> int | None:
        """The positive class's number: the one named, else the last of two, else none."""
        facts = self.facts
        if facts["positive"]:
            return facts["classes"].index(facts["positive"])
        return 1 if len(facts["classes"]) == 2 else None


def read_rows(
    inputs: list[tuple[dict[str, Any], Path]],
    facts: dict[str, dict],
    asked: list[str],
    rules: list[str],
    calibrate: bool = False,
    sensitivity: float | None = None,
) -> tuple[list[Row], pd.DataFrame]:
    """The rows of a table, and every prediction as one frame.

    Args:
        inputs: the labels and the folder of each run that made predictions.
        facts: "profile/target" -> the facts of its listing.
        asked, rules: the levels, and how several scores become one.
        calibrate: further rows, whose scores have a temperature fitted on the run's validation images.
        sensitivity: that each run's threshold reaches on its validation images.
    """
    rows: dict[tuple, Row] = {}
    frames = []
    for labels, folder in inputs:
        its_facts = facts[f"{labels['profile']}/{labels['target']}"]
        record = files.read_json(folder / "DONE")
        its_levels = [level for level in asked if levels.has(level, its_facts)]
        if "diverged" in record:
            validated = any(split == "val" for _, split, _, _ in its_facts["counts"]) and not labels["method"].count(
                ":"
            )
            for _, name, _ in levels.counted(its_levels, rules, its_facts):
                for more in ("", ", calibrated") if calibrate and validated else ("",):
                    row = _row_of(rows, {**labels, "level": name, "method": labels["method"] + more}, its_facts)
                    row.diverged.append(record["diverged"])
            continue
        table, y, scores = predictions.read(folder / "predictions.csv", its_facts["classes"])
        kept = {
            key: labels[key] for key in ("profile", "target", "chain", "backbone", "method", "budget", "seed", "fold")
        }
        frames.append(table.drop(columns="group").assign(**kept))
        test = (table["split"] == "test").to_numpy()
        chosen = (table["split"] == "val").to_numpy()
        for level, name, rule in levels.counted(its_levels, rules, its_facts):
            row = _row_of(rows, {**labels, "level": name}, its_facts)
            parts = [(table[part], y[part], scores[part]) for part in (test, chosen) if part.any()]
            units = [levels.gathered(*part, level, rule, row.positive) for part in parts]
            run = Run(labels["fold"], labels["seed"], *units[0], record["images"], int(test.sum()))
            row.runs.append(run)
            if len(units) == 1:
                continue
            of_y, of_scores, *_ = units[1]
            if sensitivity and row.positive is not None:
                run.threshold = calibration.threshold(of_y == row.positive, of_scores[:, row.positive], sensitivity)
            if calibrate:
                warmed = calibration.tempered(run.scores, calibration.temperature(of_y, of_scores))
                method = f"{labels['method']}, calibrated"
                other = _row_of(rows, {**labels, "level": name, "method": method}, its_facts)
                other.runs.append(replace(run, scores=warmed))
    if not frames:
        raise FloatingPointError(f"every training diverged; the first: {next(iter(rows.values())).diverged[0]}")
    return _in_order(list(rows.values())), pd.concat(frames, ignore_index=True)


def _row_of(rows: dict[tuple, Row], labels: dict[str, Any], facts: dict[str, Any]) -> Row:
    return rows.setdefault(tuple(labels[key] for key in ROW), Row({key: labels[key] for key in ROW}, facts))


def _in_order(rows: list[Row]) -> list[Row]:
    """Rows that differ in their chain alone stand together; else as they first come."""
    names = [name for name in ROW if name != "chain"]
    first = {name: list(dict.fromkeys(row.labels[name] for row in rows)) for name in names}
    return sorted(rows, key=lambda row: [first[name].index(row.labels[name]) for name in names])


def lines(
    rows: list[Row],
    names: list[str],
    tested: list[str],
    compare_with: str,
    samples: int,
    seed: int,
    reported: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    """The lines of predictions, one for each row and metric; `finished` makes a table of them.

    Args:
        names: metrics; tested: those of them that are compared with the reference chain.
        compare_with: the reference chain; where a backbone does not have it, "random" stands in.
        samples: bootstrap samples.
        reported: published numbers; each names a metric, a value, a source, whether data and split are the paper's own,
            and any of target, chain, backbone, method, level, profile, budget; it stands beside every row that has what it
            names.
    """
    found: list[dict[str, Any]] = []
    # What diverged throughout has no numbers; what diverged in part has flattering ones, which are compared with nothing.
    by_key = {tuple(row.labels[key] for key in ROW): row for row in rows if row.runs}
    cache: dict[tuple, dict[str, list[np.ndarray]]] = {}
    for row in by_key.values():
        here = _bootstrapped(row, names, samples, seed, cache)
        reference = _reference(row, by_key, compare_with)
        there = _bootstrapped(reference, names, samples, seed, cache) if reference else None
        calibrated = row.labels["method"].endswith(", calibrated")
        for name in [name for name in names if not calibrated or name in CALIBRATED]:
            plain = _plain(row, name)
            low, high = statistics.percentile_interval(statistics.mean_over_runs(here[name]))
            line: dict[str, Any] = {
                **row.labels,
                "data": "synthetic" if row.facts["synthetic"] else "stand-in" if row.facts["stand_in"] else "real",
                "metric": name,
                "mean": _mean_of_defined(plain),
                "ci_low": low,
                "ci_high": high,
                "sd_runs": float(np.nanstd(plain, ddof=1)) if np.isfinite(plain).sum() > 1 else np.nan,
                "n_runs": len(row.runs),
                "n_images": len({image for run in row.runs for image in run.ids}),
                "n_patients": len({group for run in row.runs for group in run.groups})
                if row.facts["has_patients"]
                else np.nan,
                **_reported(reported, row.labels, name),
                "note": _note(row, name, plain, low == high),
            }
            if line.pop("same", False):
                line["minus_reported"] = line["mean"] - line["reported"]
            whole = not row.diverged and row.dead < len(row.runs)
            theirs = reference is not None and not reference.diverged and reference.dead < len(reference.runs)
            if reference and there and name in tested and whole and theirs:
                other = _plain(reference, name)
                test, p = _test(row, reference, name, plain, other, here[name], there[name])
                line |= {
                    "compared_with": reference.labels["chain"],
                    "difference": _mean_of_defined(plain) - _mean_of_defined(other),
                    "p_uncorrected": p,
                    "test": test,
                }
            found.append(line)
    return found


def finished(found: list[dict[str, Any]]) -> pd.DataFrame:
    """The table of all its lines: the p of every comparison is corrected by Holm's method, all together."""
    table = pd.DataFrame(found).reindex(columns=COLUMNS)
    table["note"] = table["note"].replace("", None)
    table["p_value"] = statistics.holm(table["p_uncorrected"].to_numpy(float))
    table["n_comparisons"] = int(table["p_uncorrected"].notna().sum())
    return table


def absent_lines(missing: list[dict[str, Any]], names: list[str]) -> pd.DataFrame:
    """Rows for what cannot be run, so that a reader does not take them for forgotten: no number, a note."""
    lines = [{**labels, "metric": name} for labels in missing for name in names[:1]]
    return pd.DataFrame(lines).reindex(columns=COLUMNS)


def diverged(rows: list[Row]) -> list[dict[str, Any]]:
    """The labels, and a note, of rows none of whose runs has numbers."""
    return [{**row.labels, "note": f"diverged: {row.diverged[0]}"} for row in rows if not row.runs]


def said_of_diverged(rows: list[Row]) -> list[str]:
    """A sentence for the reader, if any training diverged."""
    keys = [key for key in ROW if key != "level"]
    words = dict.fromkeys(", ".join(str(row.labels[key]) for key in keys) for row in rows if row.diverged)
    if not words:
        return []
    shown = "; ".join(list(words)[:4]) + (f"; and {len(words) - 4} more rows" if len(words) > 4 else "")
    return [f"Diverged (the numbers left the range of floats), wholly or in part: {shown}."]


def _note(row: Row, name: str, plain: np.ndarray, same: bool) -> str:
    if row.diverged:
        count = len(row.diverged)
        return f"diverged in {count} of {count + len(row.runs)} runs; mean of the others, compared with nothing"
    if AT in name and row.positive is None:
        return "no positive class, whose sensitivity could be stated"
    if AT in name and not np.isfinite([run.threshold for run in row.runs]).any():
        return "no validation images left to choose the threshold on"
    said = [_undefined(plain) or ("every bootstrap sample gives the same value" if same else "")]
    if row.dead:
        said = [f"{row.dead} of {len(row.runs)} runs give every image the same score: the network has died"]
        said[0] += "; compared with nothing" if row.dead == len(row.runs) else ""
    said += ["test pictures carry the mark as it was learnt"] * bool(row.facts.get("confounder"))
    said += ["leaks between training and test are kept"] * bool(row.facts.get("leaks") and not row.facts.get("dropped"))
    return "; ".join(filter(None, said))


def _plain(row: Row, name: str) -> np.ndarray:
    """The metric of each run."""
    return np.array([_evaluated([name], run, row.positive)[name][0] for run in row.runs])


def _evaluated(
    names: list[str], run: Run, positive: int | None, weights: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Metrics of a run; those "at" a sensitivity are of its own threshold, NaN where it has none."""
    found = metrics.evaluate([name for name in names if AT not in name], run.y, run.scores, positive, weights)
    at = [name for name in names if AT in name]
    if at and positive is not None and np.isfinite(run.threshold):
        above = (run.scores[:, positive] >= run.threshold).astype(int)
        ones = np.ones((1, len(run.y))) if weights is None else weights
        matrix = metrics.confusion((run.y == positive).astype(int), above, 2, ones)
        values = metrics.of_confusion(matrix, 1)
        return found | {name: values[name.partition(AT)[0]] for name in at}
    return found | {name: np.full(1 if weights is None else len(weights), np.nan) for name in at}


def _bootstrapped(row: Row, names: list[str], samples: int, seed: int, cache: dict) -> dict[str, list[np.ndarray]]:
    """name -> for each run its values over the bootstrap samples; the same patients are drawn for every row."""
    key = tuple(row.labels[part] for part in ROW)
    if key not in cache:
        groups = np.unique(np.concatenate([run.groups for run in row.runs]))
        drawn = statistics.bootstrap_weights(groups, samples, seed)
        cache[key] = {name: [] for name in names}
        for run in row.runs:
            weights = drawn[:, np.searchsorted(groups, run.groups)]
            # A sample without any of this fold's patients has no value.
            found = _evaluated(names, run, row.positive, weights)
            for name in names:
                cache[key][name].append(np.where(weights.sum(axis=1) > 0, found[name], np.nan))
    return cache[key]


def _mean_of_defined(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _undefined(values: np.ndarray) -> str:
    """What a reader must know where a metric has no value in some runs: their test part holds one class only."""
    count = int((~np.isfinite(values)).sum())
    if not count:
        return ""
    if count == len(values):
        return "not defined: every test part holds one class only"
    return f"not defined in {count} of {len(values)} runs, whose test part holds one class only; mean of the others"


def _reference(row: Row, by_key: dict[tuple, Row], compare_with: str) -> Row | None:
    for chain in dict.fromkeys((compare_with, "random")):
        found = by_key.get(tuple({**row.labels, "chain": chain}[key] for key in ROW))
        if found is row:
            return None
        if found:
            return found
    return None


def _test(
    row: Row,
    reference: Row,
    name: str,
    plain: np.ndarray,
    other: np.ndarray,
    here: list[np.ndarray],
    there: list[np.ndarray],
) -> tuple[str, float]:
    """The test that fits: its name and p.

    Several folds: corrected resampled t-test over the folds, each the mean over its seeds. One test set and one run each, every
    image its own patient: DeLong for AUROC, McNemar for accuracy. Else: paired bootstrap over patients of the mean over seeds.
    """
    places = {(run.fold, run.seed): number for number, run in enumerate(reference.runs)}
    pairs = [
        (number, places[run.fold, run.seed]) for number, run in enumerate(row.runs) if (run.fold, run.seed) in places
    ]
    if len({run.fold for run in row.runs}) > 1 and len(pairs) > 1:
        # Seeds on the same split are no further samples of it: they are averaged first.
        every = pd.Series([plain[a] - other[b] for a, b in pairs], [row.runs[a].fold for a, _ in pairs])
        differences = every.dropna().groupby(level=0).mean().to_numpy()
        share = float(np.mean([run.n_test / run.n_train for run in row.runs]))
        return "corrected resampled t", statistics.corrected_resampled_t(differences, share)
    first, second = row.runs[0], reference.runs[0]
    same_images = np.array_equal(first.ids, second.ids)
    independent = len(set(first.groups)) == len(first.groups)
    if len(row.runs) == len(reference.runs) == 1 and same_images and independent:
        if name == "auroc" and row.positive is not None:
            positive = row.positive
            p = statistics.delong(first.y == positive, first.scores[:, positive], second.scores[:, positive])[2]
            return "DeLong", p
        if name == "accuracy":
            right = [run.scores.argmax(axis=1) == run.y for run in (first, second)]
            return "McNemar (exact)", statistics.mcnemar(*right)
    return "paired bootstrap over patients", statistics.bootstrap_p(
        statistics.mean_over_runs(here) - statistics.mean_over_runs(there)
    )


def _reported(reported: list[dict[str, Any]], labels: dict[str, Any], name: str) -> dict[str, Any]:
    for entry in reported:
        named = {key: entry[key] for key in ROW if entry.get(key)}
        if entry["metric"] == name and all(labels[key] == value for key, value in named.items()):
            return {"reported": entry["value"], "reported_source": entry["source"], "same": entry["same"]}
    return {}
