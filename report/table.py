"""The table: one row for each target, chain, backbone, method, label budget and metric, with interval and test."""

from typing import Any

import numpy as np
import pandas as pd

from indomain import metrics
from report import statistics
from report.rows import ROW, Row, Run

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
                "note": _note(row, name, plain, (low, high)),
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


def said_of_failed(rows: list[Row]) -> list[str]:
    """Sentences for the reader, if any training diverged or left a dead network."""
    which = {
        "Diverged (the numbers left the range of floats)": [row for row in rows if row.diverged],
        "Dead (every image gets the same score)": [row for row in rows if row.dead],
    }
    return [f"{what}, wholly or in part: {_named(failed)}." for what, failed in which.items() if failed]


def _named(rows: list[Row]) -> str:
    keys = [key for key in ROW if key != "level"]
    words = list(dict.fromkeys(", ".join(str(row.labels[key]) for key in keys) for row in rows))
    return "; ".join(words[:4]) + (f"; and {len(words) - 4} more rows" if len(words) > 4 else "")


def _note(row: Row, name: str, plain: np.ndarray, interval: tuple[float, float]) -> str:
    if row.diverged:
        count = len(row.diverged)
        return f"diverged in {count} of {count + len(row.runs)} runs; mean of the others, compared with nothing"
    if AT in name and row.positive is None:
        return "no positive class, whose sensitivity could be stated"
    if AT in name and not np.isfinite([run.threshold for run in row.runs]).any():
        return "no validation images left to choose the threshold on"
    said = [_undefined(plain) or statistics.said_of_interval(*interval)]
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
        statistics.mean_over_runs(here) - statistics.mean_over_runs(there),
        len({group for run in row.runs for group in run.groups}),
    )


def _reported(reported: list[dict[str, Any]], labels: dict[str, Any], name: str) -> dict[str, Any]:
    for entry in reported:
        named = {key: entry[key] for key in ROW if entry.get(key)}
        if entry["metric"] == name and all(labels[key] == value for key, value in named.items()):
            return {"reported": entry["value"], "reported_source": entry["source"], "same": entry["same"]}
    return {}
