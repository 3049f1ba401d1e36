"""The rows of the table before any number: the test predictions of all runs of one target, chain, backbone and method."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import files
from indomain.artifacts import predictions
from report import calibration, levels

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
            # Classifiers, unlike strategies, learn from validation images too, and keep none to calibrate on.
            is_classifier = ":" in labels["method"]
            validated = any(split == "val" for _, split, _, _ in its_facts["counts"]) and not is_classifier
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
