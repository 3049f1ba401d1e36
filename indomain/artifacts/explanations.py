"""The files of explanations and robustness, which `explain` writes and `report` reads.

explanations.npz    images uint8 (n, rows, columns, channels), id, y, explained (class number), scores (n, classes), one
                    map float32 (n, rows, columns) per method, masks uint8 (n, rows, columns) if the set has them
measures.csv        id, group, explanation, measure, value: one row per image, explanation and measure that applies to the
                    image; the value is empty where the map is blank
corrupted.csv       id, group, y, corruption, severity, score_<class>...: one row per image and condition
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import files

MAPS, MEASURES, CORRUPTED = "explanations.npz", "measures.csv", "corrupted.csv"
CLEAN = "none"  # the value of `corruption` for images without a corruption
MARKER = "marker "  # the prefix of `corruption` for images with a confounding marker
_MEASURE_COLUMNS = ["id", "group", "explanation", "measure", "value"]


def write_maps(folder: Path, maps: dict[str, np.ndarray], masks: np.ndarray | None = None, **arrays: Any) -> None:
    """Writes `explanations.npz`.

    Args:
        folder: the run's folder.
        maps: method -> float32 (n, rows, columns).
        masks: uint8 (n, rows, columns); None if the set has no masks.
        **arrays: `images`, `id`, `y`, `explained` and `scores`, as described above.
    """
    optional = {} if masks is None else {"masks": masks}
    files.write_arrays(folder / MAPS, {**arrays, **maps, **optional})


def read_maps(folder: Path) -> dict[str, np.ndarray]:
    """The arrays that `write_maps` wrote to a run's folder, by name."""
    with np.load(folder / MAPS, allow_pickle=False) as saved:
        return dict(saved)


class MeasureRows:
    """Collects the rows of `measures.csv`.

    Args:
        ids: ids of the explained images.
        groups: the group (patient) of each image.
    """

    def __init__(self, ids: Sequence[str], groups: Sequence[str]) -> None:
        self.ids, self.groups = ids, groups
        self._rows: list[tuple] = []

    def add(
        self, explanation: str, measure: str, values: Iterable[float] | None, applies: Iterable[bool] | None = None
    ) -> None:
        """Adds the values of one measure of one explanation.

        Args:
            explanation: the explanation's name.
            measure: the measure's name.
            values: one value per image, NaN where the map is blank; None adds nothing.
            applies: whether the measure applies to each image; the others get no row. None: it applies to all.
        """
        if values is not None:
            applies = [True] * len(self.ids) if applies is None else applies
            rows = zip(self.ids, self.groups, values, applies)
            self._rows += [
                (name, group, explanation, measure, value) for name, group, value, applied in rows if applied
            ]

    def write(self, folder: Path) -> None:
        """Writes `measures.csv` into a run's folder."""
        with files.written(folder / MEASURES) as temporary:
            table = pd.DataFrame(self._rows, columns=_MEASURE_COLUMNS)
            table.to_csv(temporary, index=False, float_format="%.8g")


def read_measures(folder: Path) -> pd.DataFrame:
    """The rows of a run's `measures.csv`; `value` is NaN where the map of an image is blank."""
    text = {"id": str, "group": str}
    return pd.read_csv(folder / MEASURES, dtype=text, keep_default_na=False, na_values={"value": [""]})


class CorruptedRows:
    """Collects the rows of `corrupted.csv`.

    Args:
        rows: columns `id`, `group` and `y`; one row per test image.
        classes: class names by class number.
    """

    def __init__(self, rows: pd.DataFrame, classes: list[str]) -> None:
        self._rows = rows[["id", "group", "y"]]
        self._names = [f"score_{name}" for name in classes]
        self._frames: list[pd.DataFrame] = []

    def add(self, corruption: str, severity: int, scores: np.ndarray) -> None:
        """Adds the scores of all test images under one condition.

        Args:
            corruption: the corruption's name, `CLEAN`, or `MARKER` and what the marker does. Images of a target with a
                marker carry it as learnt under the first two.
            severity: the severity level of the corruption.
            scores: float (n, classes).
        """
        described = self._rows.assign(corruption=corruption, severity=severity)
        self._frames.append(pd.concat([described, pd.DataFrame(scores, columns=self._names)], axis=1))

    def write(self, folder: Path) -> None:
        """Writes `corrupted.csv` into a run's folder."""
        with files.written(folder / CORRUPTED) as temporary:
            pd.concat(self._frames).to_csv(temporary, index=False, float_format="%.8f")


def read_corrupted(folder: Path) -> pd.DataFrame:
    """The rows of a run's `corrupted.csv`."""
    return pd.read_csv(folder / CORRUPTED, dtype={"id": str, "group": str}, keep_default_na=False)
