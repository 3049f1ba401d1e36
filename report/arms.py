"""The arms of the table before evaluation: an arm has the test predictions of all runs of one row of the table."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from indomain import metrics
from indomain.artifacts import predictions
from indomain.artifacts.record import read_record
from indomain.data.split import SplitInfo
from indomain.networks.calibration import temperature, tempered
from indomain.runs.tags import Tags
from report import calibration, levels
from report.comparison import RowKey
from report.given import ReportInput


@dataclass
class Run:
    """The test predictions of one run, for images or for units of several images; see `report.levels`.

    Attributes:
        fold: number of the fold.
        seed: seed of the run.
        y: int (units,), class numbers.
        scores: (units, classes), each row of sum 1.
        groups: (units,), patients.
        ids: (units,), names of the units.
        threshold: threshold for the positive class's score, chosen on validation images; NaN for none.
        validated: the first metric of the validation images; NaN without any.
    """

    fold: int
    seed: int
    y: np.ndarray
    scores: np.ndarray
    groups: np.ndarray
    ids: np.ndarray
    threshold: float = float("nan")
    validated: float = float("nan")

    @property
    def is_dead(self) -> bool:
        """Whether all images have the same scores, as they do for a network whose units have died."""
        return bool((np.ptp(self.scores, axis=0) < 1e-6).all())


@dataclass
class ArmResults:
    """All runs of one row of the table.

    Attributes:
        key: the coordinates of the row.
        info: what is known of the target's split.
        marked: whether the images carry a confounding marker.
        runs: the runs with predictions.
        diverged: for each run without predictions, what diverged.
        chosen: the settings of each run that were chosen on validation images.
        shares: of each run of an adaptation, the share of each class in the sources and in the target.
    """

    key: RowKey
    info: SplitInfo
    marked: bool = False
    runs: list[Run] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    chosen: list[dict[str, Any]] = field(default_factory=list)
    shares: list[tuple[list[float], list[float]]] = field(default_factory=list)

    @property
    def dead(self) -> int:
        """The number of runs whose network is dead; see `Run.is_dead`."""
        return sum(run.is_dead for run in self.runs)

    @property
    def is_comparable(self) -> bool:
        """Whether its numbers may be compared: if some runs diverged, the mean of the others is too favourable."""
        return bool(self.runs) and not self.diverged and self.dead < len(self.runs)

    @property
    def validated(self) -> float:
        """The mean over all runs of the first metric of the validation images; NaN if none has any."""
        known = [run.validated for run in self.runs if np.isfinite(run.validated)]
        return float(np.mean(known)) if known else float("nan")

    @property
    def positive(self) -> int | None:
        """The number of the positive class, if there is one."""
        return self.info.positive_index


def read_arms(given: ReportInput) -> tuple[list[ArmResults], pd.DataFrame]:
    """Reads the predictions of all runs shown.

    Args:
        given: the input of the report.

    Returns:
        The arms in the order of the table, and all predictions as one frame.

    Raises:
        FloatingPointError: every training diverged.
    """
    collected = _Arms(given)
    kinds = (
        "finetune/",
        "finetune/adapt",
        "finetune/external",
        "fusion/classify",
        "fusion/heads",
        "fusion/distil",
        "fusion/adapt",
        "fusion/external",
    )
    for tags, folder in given.of_kind(*kinds):
        record = read_record(folder)
        if record.diverged:
            collected.add_diverged(tags, record.diverged)
        else:
            table, y, scores = predictions.read(folder / "predictions.csv", given.info(tags).classes)
            collected.add(tags, table, y, scores, record.facts)
    if not collected.frames:
        first = next(iter(collected.arms.values()))
        raise FloatingPointError(f"every training diverged; the first: {first.diverged[0]}")
    return _in_order(list(collected.arms.values())), pd.concat(collected.frames, ignore_index=True)


class _Arms:
    """Collects the arms while the runs are read.

    Args:
        given: the input of the report.
    """

    def __init__(self, given: ReportInput) -> None:
        self.given, self.options = given, given.options
        self.arms: dict[RowKey, ArmResults] = {}
        self.frames: list[pd.DataFrame] = []

    def _arm(self, key: RowKey) -> ArmResults:
        marked = self.given.is_marked(key)
        return self.arms.setdefault(key, ArmResults(key, self.given.info(key), marked))

    def add_diverged(self, tags: Tags, reason: str) -> None:
        """Adds a run without predictions.

        Args:
            tags: the run's.
            reason: what diverged.
        """
        info = self.given.info(tags)
        assert tags.method
        can_calibrate = info.has_validation and not tags.method.learns_from_validation
        for _, name, _ in self.given.levels_of(tags):
            key = RowKey.of(tags, name)
            self._arm(key).diverged.append(reason)
            if self.options["calibrate"] and can_calibrate:
                self._arm(_calibrated(key)).diverged.append(reason)

    def add(
        self,
        tags: Tags,
        table: pd.DataFrame,
        y: np.ndarray,
        scores: np.ndarray,
        facts: dict[str, Any] | None = None,
    ) -> None:
        """Adds the predictions of a run, of which those of validation images serve thresholds and temperatures.

        Args:
            tags: the run's.
            table: the rows of `predictions.csv`, (n,).
            y: int (n,), class numbers.
            scores: (n, classes).
            facts: of the run's record: `chosen`, the settings that were chosen on validation images, if there was a choice, and
                `source_shares` and `target_shares` of an adaptation.
        """
        names = ("profile", "target", "chain", "backbone", "method", "budget", "seed", "fold")
        words, facts = tags.words(), facts or {}
        self.frames.append(table.drop(columns="group").assign(**{name: words[name] for name in names}))
        test, held_out = ((table["split"] == part).to_numpy() for part in ("test", "val"))
        for level, name, rule in self.given.levels_of(tags):
            arm = self._arm(RowKey.of(tags, name))
            gather = (level, rule, arm.positive)
            units = levels.gathered(table[test], y[test], scores[test], *gather)
            run = Run(int(tags.fold or 0), int(tags.seed or 0), *units)
            arm.runs.append(run)
            arm.chosen += [facts["chosen"]] if facts.get("chosen") else []
            arm.shares += [(facts["source_shares"], facts["target_shares"])] if "source_shares" in facts else []
            if held_out.any():
                val_y, val_scores, *_ = levels.gathered(table[held_out], y[held_out], scores[held_out], *gather)
                only = [self.given.metric]
                run.validated = float(metrics.evaluate(only, val_y, val_scores, arm.positive)[only[0]][0])
                # A classifier that is tested has learnt from the validation images, too.
                if not arm.key.method.learns_from_validation:
                    self._use_validation(arm, run, val_y, val_scores)

    def _use_validation(self, arm: ArmResults, run: Run, y: np.ndarray, scores: np.ndarray) -> None:
        """Chooses a run's threshold and temperature on validation images, if the options ask for them."""
        sensitivity = self.options["sensitivity"]
        if sensitivity and arm.positive is not None:
            run.threshold = calibration.threshold(y == arm.positive, scores[:, arm.positive], sensitivity)
        if self.options["calibrate"]:
            calibrated = tempered(run.scores, temperature(y, scores))
            self._arm(_calibrated(arm.key)).runs.append(replace(run, scores=calibrated))


def _calibrated(key: RowKey) -> RowKey:
    return replace(key, method=replace(key.method, calibrated=True))


def _in_order(arms: list[ArmResults]) -> list[ArmResults]:
    """Sorts the arms so that those that differ only in their chain are adjacent, otherwise by first appearance."""
    names = ("profile", "target", "budget", "backbone", "method", "level")
    first = {name: list(dict.fromkeys(getattr(arm.key, name) for arm in arms)) for name in names}
    return sorted(arms, key=lambda arm: [first[name].index(getattr(arm.key, name)) for name in names])
