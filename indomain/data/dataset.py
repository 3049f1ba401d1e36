"""A data set as a recipe uses it: a prepared set, some of its rows, its classes and its groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from indomain.data.image_store import Pictures
from indomain.data.manifest import COLUMNS, LabelOptions
from indomain.data.prepared import PreparedSet
from indomain.errors import RequestError, unknown

if TYPE_CHECKING:
    from indomain.data.pool import JoinedSet


@dataclass(frozen=True)
class Dataset:
    """Rows of a prepared set.

    Attributes:
        name: the word for it in messages and tables.
        index: the index's rows in use; `row` is the place in the array, `set` the manifest's name, `image` the picture
            (that a patch was cut from), `origin` the set or folder it came from, `y` the class number (−1 without a
            label), `group` what must not stand on both sides of a split: the patient, or the picture where no patient is
            known.
        class_names: by class number; the positive class, if there is one, is the last of two.
        positive: the positive class, or "".
    """

    name: str
    prepared: "PreparedSet | JoinedSet"
    index: pd.DataFrame
    class_names: tuple[str, ...]
    positive: str

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def has_patients(self) -> bool:
        return bool((self.index["patient"] != "").any())

    def pictures(self, rows: np.ndarray, channels: int) -> np.ndarray:
        """uint8 (len(rows), H, W, channels) for places in the array, 0–255."""
        return self._readers[channels](rows)

    @cached_property
    def _readers(self) -> dict[int, Pictures]:
        paths = [folder / "images.npy" for folder in self.prepared.folders]
        return {channels: Pictures(paths, channels) for channels in (1, 3)}

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of images for each split and class."""
        names = np.array([*self.class_names, "no label"])[self.index["y"]]
        table = pd.crosstab(self.index["split"].replace("", "all"), names)
        return {str(split): {str(name): int(n) for name, n in row.items()} for split, row in table.iterrows()}

    def take(self, keep: np.ndarray) -> "Dataset":
        """The same set with only the rows where `keep` (bool, one a row) holds."""
        return Dataset(self.name, self.prepared, self.index[keep], self.class_names, self.positive)


def open_dataset(
    prepared: "PreparedSet | JoinedSet",
    subset: str = "",
    labels: LabelOptions | None = None,
    where: Mapping[str, list[str]] | None = None,
    labelled: bool = True,
) -> Dataset:
    """Rows and classes of a prepared set.

    Args:
        subset: a value of the manifest's `subset_by` column, several joined by "+", or `all-but-` and those left out.
        labels: classes that replace the manifest's own.
        where: column = [values to keep]; a value that begins with "!" is left out instead.
        labelled: drop the rows without a label. False keeps every row and reads no label.

    Raises:
        RequestError: an unknown subset, column, label or class; a class without images.
    """
    manifest = prepared.manifest
    name = f"{manifest.name}/{subset}" if subset else manifest.name
    index = part_of(prepared, subset) if isinstance(prepared, PreparedSet) else prepared.index()
    for column, values in (where or {}).items():
        if column not in COLUMNS:
            raise unknown("column", column, COLUMNS, f"{name}: where")
        left_out = [value[1:] for value in values if value.startswith("!")]
        kept = [value for value in values if not value.startswith("!")]
        # A pool's patients and studies carry their set's name; a recipe may leave it out.
        own = pd.Series([word.removeprefix(f"{of}:") for of, word in zip(index["set"], index[column])], index.index)
        there = {*own, *index[column]}
        for value in [*left_out, *kept]:
            if value not in there:
                raise unknown(column, value, there - {""}, f"{name}: where")
        of_left, of_kept = (own.isin(some) | index[column].isin(some) for some in (left_out, kept))
        index = index[~of_left & (of_kept if kept else True)]
    if index.empty:
        raise RequestError(f"{name}: no image is left by the subset and `where`.")
    image = index["whole"].where(index["whole"] != "", index["id"])
    group = index["patient"].where(index["patient"] != "", "image " + image)
    folder = index["id"].str.rpartition("/")[0]
    origin = folder if index["set"].nunique() == 1 else index["set"]
    index = index.assign(image=image, group=group, origin=origin)
    if index["part"].nunique() > 1:
        # Studies are numbered anew in each body part of a patient.
        named = (index["study"] != "") & (index["part"] != "")
        index["study"] = index["study"].where(~named, index["part"] + "/" + index["study"])
    if not labelled:
        return Dataset(name, prepared, index.assign(y=-1), (), "")
    if not isinstance(prepared, PreparedSet) and prepared.conflict and not (labels and labels.classes):
        raise RequestError(
            f"{name}: {prepared.conflict}. Say in the recipe which labels make which class (classes = ...)."
        )
    options = _merged(manifest.labels, labels)
    classes = options.classes or {str(label): [str(label)] for label in sorted(set(index["label"]) - {""})}
    class_names = _ordered(list(classes), options.positive or "", name)
    number = {label: class_names.index(merged) for merged, raw in classes.items() for label in raw}
    present = set(index["label"])
    for label in number:
        if label not in present:
            raise RequestError(
                f"{name}: the label {label!r} has no image. Labels found: {', '.join(sorted(present - {''})) or 'none'}."
            )
    index = index.assign(y=index["label"].map(number).fillna(-1).astype(int))
    index = index[index["y"] >= 0]
    if len(class_names) < 2:
        raise RequestError(
            f"{name}: {len(class_names)} class with images; at least two are needed to learn from labels."
        )
    return Dataset(name, prepared, index, tuple(class_names), options.positive or "")


def part_of(prepared: PreparedSet, subset: str) -> pd.DataFrame:
    """The index's rows of a subset, with `row`, their place in the set, and `set`.

    Raises:
        RequestError: an unknown subset.
    """
    manifest = prepared.manifest
    index = prepared.index()
    index.insert(0, "row", np.arange(len(index)))
    index["set"], index["numbers"] = manifest.name, manifest.patients_of or manifest.name
    name = f"{manifest.name}/{subset}" if subset else manifest.name
    return index[_subset(index, manifest.subset_by, subset, name)]


def _subset(index: pd.DataFrame, column: str | None, subset: str, name: str) -> np.ndarray:
    if not subset or not column:
        return np.ones(len(index), bool)
    values = index[column].to_numpy()
    wanted = subset.removeprefix("all-but-").split("+")
    for value in wanted:
        if value not in values:
            raise unknown("subset", value, set(values), name)
    named = np.isin(values.astype(str), wanted)
    return ~named if subset.startswith("all-but-") else named


def _merged(own: LabelOptions, asked: LabelOptions | None) -> LabelOptions:
    if asked is None or (not asked.classes and not asked.positive):
        return own
    if not asked.classes:
        return LabelOptions.model_construct(classes=own.classes, positive=asked.positive)
    if asked.positive is None and own.positive in asked.classes:
        return LabelOptions(classes=asked.classes, positive=own.positive)
    return asked


def _ordered(names: list[str], positive: str, where: str) -> list[str]:
    if positive and positive not in names:
        raise unknown("positive class", positive, names, where)
    if positive and len(names) == 2:
        return [next(name for name in names if name != positive), positive]
    return names
