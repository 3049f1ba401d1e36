"""The rows of the table that are not scores against labels: measures of explanations, and scores of spoilt pictures.

Both are of the networks of the first seed. A row is compared with the reference chain's only where both have the same images in
the same folds: over several folds by the corrected resampled t-test, on one by a paired bootstrap over patients.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import files, metrics
from report import statistics

KEYS = ("profile", "target", "budget", "backbone", "method", "chain")
CLEAN = "none"  # what `corruption` says of whole pictures
MARK = "mark "  # and the beginning of what it says of a confounder
# Explanations that know nothing of the picture: what pointing is worth without one.
CONTROLS = {"anywhere": "a map that points anywhere", "middle": "a map that points at the middle"}
UNLIKE = "other images or folds than the reference chain (a training diverged): compared with nothing"
APART = (
    "no image in common with the reference chain, of whose class predicted both have a finding: compared with nothing"
)


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
    found: dict[tuple, pd.DataFrame] = {}
    for key, frame in _read(inputs, "measures.csv", "explained").items():
        for (explanation, measure), part in frame.groupby(["explanation", "measure"], sort=False):
            if part["value"].notna().any():
                found[(*key, explanation, measure)] = part.dropna(subset="value")
    lines = []
    for key, part in found.items():
        *_, whose, explanation, measure = key
        labels = dict(zip(KEYS, key))
        by_chance = explanation in CONTROLS
        if by_chance and whose == "true" and _reference(found, key, compare_with) is not None:
            continue  # the same findings, and so the same number, as the reference chain's
        how = f"{CONTROLS.get(explanation, explanation)}, of the {whose} class"
        line = _line({**labels, "method": f"{labels['method']}, {how}"}, facts, measure)
        line |= {"mean": part["value"].mean(), "n_runs": part["fold"].nunique(), **_counts(part, line, facts)}
        line |= _interval(_means(part, samples, seed))
        line["note"] = statistics.said_of_interval(line["ci_low"], line["ci_high"])
        reference = _reference(found, key, compare_with)
        if measure in tested and reference is not None and not by_chance:
            chain, other = reference
            # Of the predicted class each chain has its own images with a finding: those that both have are compared.
            both = part.merge(other, on=["id", "group", "fold"], suffixes=("", "_reference"))
            if len(both) and (whose == "predicted" or len(both) == len(part) == len(other)):
                both["value"] -= both["value_reference"]
                line |= _compared(both.groupby("fold")["value"].mean(), both["value"].mean(), part, chain)
                if line["p_uncorrected"] is None:
                    line["p_uncorrected"] = statistics.bootstrap_p(_means(both, samples, seed), both["group"].nunique())
            else:
                line["note"] = APART if whose == "predicted" else UNLIKE
        lines.append(line)
    return lines


def _read(inputs: list[tuple[dict[str, Any], Path]], name: str, *more: str) -> dict[tuple, pd.DataFrame]:
    """The files of that name of all runs, those of several folds as one, by their labels `KEYS` and `more`."""
    frames: dict[tuple, list[pd.DataFrame]] = {}
    for labels, folder in inputs:
        # What diverged left none.
        if (folder / name).is_file():
            frame = pd.read_csv(
                folder / name, dtype={"id": str, "group": str}, keep_default_na=False, na_values={"value": [""]}
            )
            learnt = files.read_json(folder / "DONE")["learnt"]
            key = tuple(labels[word] for word in (*KEYS, *more))
            frames.setdefault(key, []).append(frame.assign(fold=labels["fold"], learnt=learnt))
    return {key: pd.concat(parts, ignore_index=True) for key, parts in frames.items()}


def _reference(found: dict[tuple, Any], key: tuple, compare_with: str) -> tuple[str, Any] | None:
    """The reference chain's entry and its name; "random" stands in where a backbone has no such chain."""
    place = KEYS.index("chain")
    for chain in dict.fromkeys((compare_with, "random")):
        if key[place] == chain:
            return None
        other = (*key[:place], chain, *key[place + 1 :])
        if other in found:
            return chain, found[other]
    return None


def _compared(by_fold: pd.Series, difference: float, part: pd.DataFrame, chain: str) -> dict[str, Any]:
    """What a line says of a comparison; p is None where there is one fold only."""
    line: dict[str, Any] = {"difference": difference, "compared_with": chain}
    if len(by_fold) > 1:
        tested = part.groupby("fold")["id"].nunique() / part.groupby("fold")["learnt"].first()
        p = statistics.corrected_resampled_t(by_fold.to_numpy(), float(tested.mean()))
        return line | {"p_uncorrected": p, "test": "corrected resampled t"}
    return line | {"p_uncorrected": None, "test": "paired bootstrap over patients"}


def _means(part: pd.DataFrame, samples: int, seed: int) -> np.ndarray:
    """The mean value in each bootstrap sample of patients."""
    weights = statistics.bootstrap_weights(part["group"].to_numpy(), samples, seed)
    total = weights.sum(axis=1)
    return np.where(total > 0, weights @ part["value"].to_numpy() / np.maximum(total, 1), np.nan)


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
    """The scores of a row's test images, whole and spoilt, over its folds; its metric over bootstrap samples of patients.

    Attributes:
        values: (corruption, severity) -> the metric in each fold, (folds,).
        drawn: (corruption, severity) -> its mean over the folds in each bootstrap sample, (samples,).
    """

    def __init__(
        self, labels: dict[str, Any], frame: pd.DataFrame, facts: dict[str, Any], metric: str, samples: int, seed: int
    ) -> None:
        self.labels, self.frame = labels, frame
        classes, positive = facts["classes"], facts["positive"]
        number = classes.index(positive) if positive else 1 if len(classes) == 2 else None
        names = [f"score_{name}" for name in classes]
        groups = np.unique(frame["group"].to_numpy())
        weights = statistics.bootstrap_weights(groups, samples, seed)
        self.values: dict[tuple[str, int], np.ndarray] = {}
        self.drawn: dict[tuple[str, int], np.ndarray] = {}
        for key, part in frame.groupby(["corruption", "severity"], sort=False):
            found = []
            for _, fold in part.groupby("fold"):
                own = weights[:, np.searchsorted(groups, fold["group"].to_numpy())]
                own = np.concatenate([np.ones((1, len(fold))), own])
                value = metrics.evaluate([metric], fold["y"].to_numpy(), fold[names].to_numpy(), number, own)[metric]
                found.append(np.where(own.sum(axis=1) > 0, value, np.nan))
            self.values[key] = np.array([value[0] for value in found])
            self.drawn[key] = statistics.mean_over_runs([value[1:] for value in found])

    @property
    def corruptions(self) -> list[str]:
        """Their names, without the whole pictures and the mark."""
        return [
            name
            for name in dict.fromkeys(name for name, _ in self.values)
            if name != CLEAN and not name.startswith(MARK)
        ]

    def area(self, corruption: str) -> tuple[np.ndarray, np.ndarray]:
        """The mean over the severities of one corruption: in each fold, and over the samples."""
        keys = [key for key in self.values if key[0] == corruption]
        return np.mean([self.values[key] for key in keys], axis=0), np.mean([self.drawn[key] for key in keys], axis=0)

    def summaries(self, metric: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """What the table shows: whole pictures, the area of all corruptions and of each, and each condition of a mark."""
        found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        areas = [self.area(name) for name in self.corruptions]
        if areas:
            found[f"{metric} under no corruption"] = self.values[CLEAN, 0], self.drawn[CLEAN, 0]
            values, drawn = (np.mean([area[place] for area in areas], axis=0) for place in (0, 1))
            found[f"{metric} under corruption"] = values, drawn
            found |= {f"{metric} under {name}": area for name, area in zip(self.corruptions, areas)}
        for name, severity in self.values:
            if name.startswith(MARK):
                found[f"{metric}, {name}"] = self.values[name, severity], self.drawn[name, severity]
        return found

    def images(self) -> set[tuple[int, str]]:
        """Its test images, each with its fold."""
        return set(zip(self.frame["fold"], self.frame["id"]))


def spoilt_rows(
    inputs: list[tuple[dict[str, Any], Path]], facts: dict[str, dict], metric: str, samples: int, seed: int
) -> list[Spoilt]:
    """The rows of all `robustness` runs; those of several folds are one row."""
    rows = []
    for key, frame in _read(inputs, "corrupted.csv").items():
        labels = dict(zip(KEYS, key))
        rows.append(Spoilt(labels, frame, facts[f"{labels['profile']}/{labels['target']}"], metric, samples, seed))
    return rows


def robustness_lines(
    rows: list[Spoilt], facts: dict[str, dict], metric: str, compare_with: str
) -> list[dict[str, Any]]:
    """One line for each summary of each row; the mean under all corruptions, and the mark's absence, are compared."""
    by_key = {tuple(row.labels[key] for key in KEYS): row for row in rows}
    lines = []
    for key, row in by_key.items():
        reference = _reference(by_key, key, compare_with)
        for name, (values, drawn) in row.summaries(metric).items():
            line = _line(row.labels, facts, name)
            mean = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
            line |= {"mean": mean, "n_runs": len(values), **_counts(row.frame, line, facts), **_interval(drawn)}
            if reference and name in (f"{metric} under corruption", f"{metric}, {MARK}absent"):
                chain, other = reference
                if row.images() == other.images():
                    theirs, their_drawn = other.summaries(metric)[name]
                    differences = pd.Series(values - theirs).dropna()
                    line |= _compared(differences, float(differences.mean()), row.frame, chain)
                    if line["p_uncorrected"] is None:
                        line["p_uncorrected"] = statistics.bootstrap_p(
                            drawn - their_drawn, row.frame["group"].nunique()
                        )
                else:
                    line["note"] = UNLIKE
            lines.append(line)
    return lines


def curves(rows: list[Spoilt]) -> pd.DataFrame:
    """Every point of every curve: the row's labels, corruption, severity (0: whole), mean, interval."""
    points = []
    for row in rows:
        for (name, severity), values in row.values.items():
            point = {**row.labels, "corruption": name, "severity": severity, "mean": float(np.nanmean(values))}
            points.append(point | _interval(row.drawn[name, severity]))
    return pd.DataFrame(points)
