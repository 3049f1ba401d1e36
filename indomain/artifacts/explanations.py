"""The files of explanations and robustness, as `explain` writes and `report` reads them.

explanations.npz    images uint8 (N, rows, columns, channels), id, y, explained (class number), scores (N, classes), one
                    map float32 (N, rows, columns) per method, masks uint8 (N, rows, columns) where the set has them
measures.csv        id, group, explanation, measure, value: one row per image, explanation and measure
corrupted.csv       id, group, y, corruption, severity, score_<class>...: one row per image and condition
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import files

MAPS, MEASURES, CORRUPTED = "explanations.npz", "measures.csv", "corrupted.csv"
CLEAN = "none"  # what `corruption` says of images as they are
MARKER = "marker "  # and the beginning of what it says of a confounding marker
_MEASURE_COLUMNS = ["id", "group", "explanation", "measure", "value"]


def write_maps(folder: Path, maps: dict[str, np.ndarray], masks: np.ndarray | None = None, **arrays: Any) -> None:
    """Writes `explanations.npz`.

    Args:
        folder: the run's.
        maps: method -> float32 (N, rows, columns).
        masks: uint8 (N, rows, columns), or None.
        arrays: images, id, y, explained, scores, as described above.
    """
    own = {} if masks is None else {"masks": masks}
    files.write_arrays(folder / MAPS, {**arrays, **maps, **own})


def read_maps(folder: Path) -> dict[str, np.ndarray]:
    """The arrays that `write_maps` wrote, by name."""
    with np.load(folder / MAPS, allow_pickle=False) as saved:
        return dict(saved)


class MeasureRows:
    """The rows of `measures.csv`, before they are written."""

    def __init__(self, ids: Sequence[str], groups: Sequence[str]) -> None:
        """
        Args:
            ids: of the images explained.
            groups: their patients.
        """
        self.ids, self.groups = ids, groups
        self._rows: list[tuple] = []

    def add(self, explanation: str, measure: str, values: Iterable[float] | None) -> None:
        """Adds one measure of one explanation, (N,) values; None adds nothing."""
        if values is not None:
            self._rows += [
                (name, group, explanation, measure, value) for name, group, value in zip(self.ids, self.groups, values)
            ]

    def write(self, folder: Path) -> None:
        """Writes `measures.csv`."""
        with files.written(folder / MEASURES) as temporary:
            table = pd.DataFrame(self._rows, columns=_MEASURE_COLUMNS)
            table.to_csv(temporary, index=False, float_format="%.8g")


def read_measures(folder: Path) -> pd.DataFrame:
    """The rows of `measures.csv`; `value` is NaN where an image has none."""
    text = {"id": str, "group": str}
    return pd.read_csv(folder / MEASURES, dtype=text, keep_default_na=False, na_values={"value": [""]})


class CorruptedRows:
    """The rows of `corrupted.csv`, before they are written."""

    def __init__(self, rows: pd.DataFrame, classes: list[str]) -> None:
        """
        Args:
            rows: `id`, `group` and `y` of each test image.
            classes: names by class number.
        """
        self._rows = rows[["id", "group", "y"]]
        self._names = [f"score_{name}" for name in classes]
        self._frames: list[pd.DataFrame] = []

    def add(self, corruption: str, severity: int, scores: np.ndarray) -> None:
        """Adds the scores (N, classes) of all test images under one condition."""
        described = self._rows.assign(corruption=corruption, severity=severity)
        self._frames.append(pd.concat([described, pd.DataFrame(scores, columns=self._names)], axis=1))

    def write(self, folder: Path) -> None:
        """Writes `corrupted.csv`."""
        with files.written(folder / CORRUPTED) as temporary:
            pd.concat(self._frames).to_csv(temporary, index=False, float_format="%.8f")


def read_corrupted(folder: Path) -> pd.DataFrame:
    """The rows of `corrupted.csv`."""
    return pd.read_csv(folder / CORRUPTED, dtype={"id": str, "group": str}, keep_default_na=False)
