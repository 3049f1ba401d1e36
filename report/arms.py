"""The arms of the table before any number: the test predictions of all runs of one target, chain, backbone and method."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from indomain.artifacts import predictions
from indomain.artifacts.record import read_record
from indomain.data.split import SplitInfo
from indomain.runs.tags import Tags
from report import calibration, levels
from report.comparison import RowKey
from report.given import ReportInput


@dataclass
class Run:
    """The test predictions of one run, for images or for what several images make up: see `report.levels`.

    Attributes:
        fold, seed: their numbers.
        y: (units,), class numbers.
        scores: (units, classes).
        groups: (units,), patients.
        ids: (units,), names of the units.
        n_train: images learnt from.
        n_test: test images, however many of them make one unit.
        threshold: of the positive class's score, chosen on validation images; NaN: none.
    """

    fold: int
    seed: int
    y: np.ndarray
    scores: np.ndarray
    groups: np.ndarray
    ids: np.ndarray
    n_train: int
    n_test: int
    threshold: float = float("nan")

    @property
    def is_dead(self) -> bool:
        """Whether every image gets the same scores: networks whose units have died answer so, whatever they see."""
        return bool((np.ptp(self.scores, axis=0) < 1e-6).all())


@dataclass
class ArmResults:
    """All runs of one row of the table.

    Attributes:
        key: its coordinates.
        info: the target's split.
        marked: whether its images carry a confounding marker.
        runs: those with predictions.
        diverged: of each run without predictions, what diverged.
    """

    key: RowKey
    info: SplitInfo
    marked: bool = False
    runs: list[Run] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)

    @property
    def dead(self) -> int:
        """How many runs left a dead network."""
        return sum(run.is_dead for run in self.runs)

    @property
    def is_comparable(self) -> bool:
        """Whether its numbers may be compared: those of an arm that diverged in part are flattering."""
        return bool(self.runs) and not self.diverged and self.dead < len(self.runs)

    @property
    def positive(self) -> int | None:
        """The positive class's number, if there is one."""
        return self.info.positive_index


def read_arms(given: ReportInput) -> tuple[list[ArmResults], pd.DataFrame]:
    """The arms of a table, and every prediction as one frame.

    Args:
        given: what the report is made from.

    Raises:
        FloatingPointError: every training diverged.
    """
    collected = _Arms(given)
    for tags, folder in given.of_kind("finetune/", "fusion/classify", "fusion/heads"):
        record = read_record(folder)
        if record.diverged:
            collected.add_diverged(tags, record.diverged)
        else:
            table, y, scores = predictions.read(folder / "predictions.csv", given.info(tags).classes)
            collected.add(tags, table, y, scores, record.facts["images"])
    if not collected.frames:
        first = next(iter(collected.arms.values()))
        raise FloatingPointError(f"every training diverged; the first: {first.diverged[0]}")
    return _in_order(list(collected.arms.values())), pd.concat(collected.frames, ignore_index=True)


class _Arms:
    """The arms while they are read."""

    def __init__(self, given: ReportInput) -> None:
        self.given, self.options = given, given.options
        self.arms: dict[RowKey, ArmResults] = {}
        self.frames: list[pd.DataFrame] = []

    def _arm(self, key: RowKey) -> ArmResults:
        marked = self.given.is_marked(key)
        return self.arms.setdefault(key, ArmResults(key, self.given.info(key), marked))

    def _levels(self, info: SplitInfo) -> list[tuple[str, str, str]]:
        wanted = [level for level in self.options["levels"] if levels.has(level, info)]
        return levels.counted(wanted, self.options["rule"], info)

    def add_diverged(self, tags: Tags, reason: str) -> None:
        """Adds a run without predictions."""
        info = self.given.info(tags)
        assert tags.method
        can_calibrate = info.has_validation and not tags.method.learns_from_validation
        for _, name, _ in self._levels(info):
            key = RowKey.of(tags, name)
            self._arm(key).diverged.append(reason)
            if self.options["calibrate"] and can_calibrate:
                self._arm(_calibrated(key)).diverged.append(reason)

    def add(self, tags: Tags, table: pd.DataFrame, y: np.ndarray, scores: np.ndarray, n_train: int) -> None:
        """Adds a run's predictions of test images and, for thresholds and temperatures, of validation images."""
        names = ("profile", "target", "chain", "backbone", "method", "budget", "seed", "fold")
        words = tags.words()
        self.frames.append(table.drop(columns="group").assign(**{name: words[name] for name in names}))
        test, held_out = ((table["split"] == part).to_numpy() for part in ("test", "val"))
        for level, name, rule in self._levels(self.given.info(tags)):
            arm = self._arm(RowKey.of(tags, name))
            gather = (level, rule, arm.positive)
            units = levels.gathered(table[test], y[test], scores[test], *gather)
            run = Run(int(tags.fold or 0), int(tags.seed or 0), *units, n_train, int(test.sum()))
            arm.runs.append(run)
            if held_out.any():
                of_y, of_scores, *_ = levels.gathered(table[held_out], y[held_out], scores[held_out], *gather)
                self._use_validation(arm, run, of_y, of_scores)

    def _use_validation(self, arm: ArmResults, run: Run, y: np.ndarray, scores: np.ndarray) -> None:
        """Chooses a run's threshold and temperature on validation images, if the table wants them."""
        sensitivity = self.options["sensitivity"]
        if sensitivity and arm.positive is not None:
            run.threshold = calibration.threshold(y == arm.positive, scores[:, arm.positive], sensitivity)
        if self.options["calibrate"]:
            warmed = calibration.tempered(run.scores, calibration.temperature(y, scores))
            self._arm(_calibrated(arm.key)).runs.append(replace(run, scores=warmed))


def _calibrated(key: RowKey) -> RowKey:
    return replace(key, method=replace(key.method, calibrated=True))


def _in_order(arms: list[ArmResults]) -> list[ArmResults]:
    """Arms that differ in their chain alone stand together; else in the order in which they first come."""
    names = ("profile", "target", "budget", "backbone", "method", "level")
    first = {name: list(dict.fromkeys(getattr(arm.key, name) for arm in arms)) for name in names}
    return sorted(arms, key=lambda arm: [first[name].index(getattr(arm.key, name)) for name in names])
