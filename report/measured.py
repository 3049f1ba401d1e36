"""The rows of the table that are not scores against labels: measures of explanations, and scores of spoilt pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import metrics
from report import statistics

KEYS = ("profile", "target", "budget", "backbone", "method", "chain")
CLEAN, MARK = (
    "none",
    "mark ",
)  # what `corruption` says of whole pictures, and the beginning of what it says of a confounder


def explanation_lines(
    inputs: list[tuple[dict[str, Any], Path]],
    facts: dict[str, dict],
    tested: list[str],
    compare_with: str,
    samples: int,
    seed: int,
) -> list[dict[str, Any]]:
    """One line for each network or classifier, explanation and measure: the mean over images, and a test.

    Args:
        inputs: the labels and the folder of each `measure` run; those of several folds belong to one line.
        facts: "profile/target" -> the facts of its listing; tested: the measures that are compared.
    """
    frames: dict[tuple, list[pd.DataFrame]] = {}
    for labels, folder in inputs:
        path = folder / "measures.csv"
        if path.is_file():
            frame = pd.read_csv(path, dtype={"id": str, "group": str}, keep_default_na=False, na_values={"value": [""]})
            key = (*(labels[name] for name in KEYS), labels["explained"])
            frames.setdefault(key, []).append(frame.assign(fold=labels["fold"]))
    found: dict[tuple, pd.DataFrame] = {}
    for key, parts in frames.items():
        for (explanation, measure), part in pd.concat(parts).groupby(["explanation", "measure"], sort=False):
            if part["value"].notna().any():
                found[(*key, explanation, measure)] = part.dropna(subset="value")
    lines = []
    for key, part in found.items():
        *_, whose, explanation, measure = key
        labels = dict(zip(KEYS, key))
        means = _means(part, samples, seed)
        by_chance = explanation == "anywhere"
        if by_chance and labels["chain"] != compare_with and _instead(key, compare_with) in found:
            continue  # the same for every chain
        how = f"{'a map that points anywhere' if by_chance else explanation}, of the {whose} class"
        line = _line({**labels, "method": f"{labels['method']}, {how}"}, facts, measure)
        line |= _interval(means) | {
            "mean": part["value"].mean(),
            "n_runs": part["fold"].nunique(),
            **_counts(part, line, facts),
        }
        reference = found.get(_instead(key, compare_with))
        if measure in tested and reference is not None and reference is not part and not by_chance:
            # The same images were drawn for every chain.
            both = part.merge(reference, on=["id", "group", "fold"], suffixes=("", "_reference"))
            differences = _means(both.assign(value=both["value"] - both["value_reference"]), samples, seed)
            line |= {
                "difference": part["value"].mean() - reference["value"].mean(),
                "p_uncorrected": statistics.bootstrap_p(differences),
                "test": "paired bootstrap over patients",
                "compared_with": compare_with,
            }
        lines.append(line)
    return lines


def _means(part: pd.DataFrame, samples: int, seed: int) -> np.ndarray:
    """The mean value in each bootstrap sample of patients."""
    weights = statistics.bootstrap_weights(part["group"].to_numpy(), samples, seed)
    total = weights.sum(axis=1)
    return np.where(total > 0, weights @ part["value"].to_numpy() / np.maximum(total, 1), np.nan)


def _instead(key: tuple, chain: str) -> tuple:
    place = KEYS.index("chain")
    return (*key[:place], chain, *key[place + 1 :])


def _line(labels: dict[str, Any], facts: dict[str, dict], metric: str) -> dict[str, Any]:
    own = facts[f"{labels['profile']}/{labels['target']}"]
    data = "synthetic" if own["synthetic"] else "stand-in" if own["stand_in"] else "real"
    return {**labels, "level": "image", "metric": metric, "data": data, "note": ""}


def _interval(values: np.ndarray) -> dict[str, float]:
    low, high = statistics.percentile_interval(values)
    return {"ci_low": low, "ci_high": high}


def _counts(part: pd.DataFrame, line: dict[str, Any], facts: dict[str, dict]) -> dict[str, Any]:
    patients = part["group"].nunique() if facts[f"{line['profile']}/{line['target']}"]["has_patients"] else np.nan
    return {"n_images": part["id"].nunique(), "n_patients": patients}


class Spoilt:
    """The scores of a row's test images, whole and spoilt, over its folds; its metric over bootstrap samples of patients."""

    def __init__(
        self, labels: dict[str, Any], frame: pd.DataFrame, facts: dict[str, Any], metric: str, samples: int, seed: int
    ) -> None:
        self.labels, self.frame = labels, frame
        classes, positive = facts["classes"], facts["positive"]
        number = classes.index(positive) if positive else 1 if len(classes) == 2 else None
        names = [f"score_{name}" for name in classes]
        groups = np.unique(frame["group"].to_numpy())
        weights = statistics.bootstrap_weights(groups, samples, seed)
        self.plain: dict[tuple[str, int], float] = {}
        self.drawn: dict[tuple[str, int], np.ndarray] = {}
        for key, part in frame.groupby(["corruption", "severity"], sort=False):
            values = []
            for _, fold in part.groupby("fold"):
                own = np.concatenate(
                    [np.ones((1, len(fold))), weights[:, np.searchsorted(groups, fold["group"].to_numpy())]]
                )
                found = metrics.evaluate([metric], fold["y"].to_numpy(), fold[names].to_numpy(), number, own)[metric]
                values.append(np.where(own.sum(axis=1) > 0, found, np.nan))
            mean = statistics.mean_over_runs(values)
            self.plain[key], self.drawn[key] = float(mean[0]), mean[1:]

    @property
    def corruptions(self) -> list[str]:
        """Their names, without the clean pictures and the mark."""
        return [
            name
            for name in dict.fromkeys(name for name, _ in self.plain)
            if name != CLEAN and not name.startswith(MARK)
        ]

    def area(self, corruption: str) -> tuple[float, np.ndarray]:
        """The mean over the severities of one corruption: value, and over the samples."""
        keys = [key for key in self.plain if key[0] == corruption]
        return float(np.mean([self.plain[key] for key in keys])), np.mean([self.drawn[key] for key in keys], axis=0)

    def summaries(self, metric: str) -> dict[str, tuple[float, np.ndarray]]:
        """What the table shows: the area of each corruption and of all, and each condition of a mark."""
        found: dict[str, tuple[float, np.ndarray]] = {}
        areas = [self.area(name) for name in self.corruptions]
        if areas:
            mean = float(np.mean([value for value, _ in areas])), np.mean([drawn for _, drawn in areas], axis=0)
            found[f"{metric} under corruption"] = mean
            found |= {f"{metric} under {name}": area for name, area in zip(self.corruptions, areas)}
        for name, severity in self.plain:
            if name.startswith(MARK):
                found[f"{metric}, {name}"] = self.plain[name, severity], self.drawn[name, severity]
        return found


def spoilt_rows(
    inputs: list[tuple[dict[str, Any], Path]], facts: dict[str, dict], metric: str, samples: int, seed: int
) -> list[Spoilt]:
    """The rows of all `robustness` runs; those of several folds are one row."""
    frames: dict[tuple, list[pd.DataFrame]] = {}
    for labels, folder in inputs:
        path = folder / "corrupted.csv"
        if path.is_file():
            frame = pd.read_csv(path, dtype={"id": str, "group": str}, keep_default_na=False)
            key = tuple(labels[name] for name in KEYS)
            frames.setdefault(key, []).append(frame.assign(fold=labels["fold"]))
    rows = []
    for key, parts in frames.items():
        labels = dict(zip(KEYS, key))
        own = facts[f"{labels['profile']}/{labels['target']}"]
        rows.append(Spoilt(labels, pd.concat(parts, ignore_index=True), own, metric, samples, seed))
    return rows


def robustness_lines(
    rows: list[Spoilt], facts: dict[str, dict], metric: str, compare_with: str
) -> list[dict[str, Any]]:
    """One line for each summary of each row; the mean under all corruptions, and the mark's absence, are compared."""
    by_key = {tuple(row.labels[key] for key in KEYS): row for row in rows}
    lines = []
    for key, row in by_key.items():
        reference = by_key.get(_instead(key, compare_with))
        theirs = reference.summaries(metric) if reference else {}
        for name, (value, drawn) in row.summaries(metric).items():
            line = _line(row.labels, facts, name)
            line |= _interval(drawn) | {
                "mean": value,
                "n_runs": row.frame["fold"].nunique(),
                **_counts(row.frame, line, facts),
            }
            compared = name in (f"{metric} under corruption", f"{metric}, {MARK}absent")
            if compared and reference is not None and reference is not row and name in theirs:
                line |= {
                    "difference": value - theirs[name][0],
                    "p_uncorrected": statistics.bootstrap_p(drawn - theirs[name][1]),
                    "test": "paired bootstrap over patients",
                    "compared_with": compare_with,
                }
            lines.append(line)
    return lines


def curves(rows: list[Spoilt]) -> pd.DataFrame:
    """Every point of every curve: the row's labels, corruption, severity (0: whole), mean, interval."""
    points = []
    for row in rows:
        for (name, severity), value in row.plain.items():
            points.append(
                {
                    **row.labels,
                    "corruption": name,
                    "severity": severity,
                    "mean": value,
                    **_interval(row.drawn[name, severity]),
                }
            )
    return pd.DataFrame(points)
