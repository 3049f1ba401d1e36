"""A data set as a recipe uses it: some rows of a pool, with their classes and groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from indomain.data.image_store import ImageStore
from indomain.data.manifest import COLUMNS, LabelOptions
from indomain.data.pool import Pool
from indomain.errors import RequestError, unknown


@dataclass(frozen=True)
class Dataset:
    """Rows of a pool.

    Attributes:
        pool: the prepared sets.
        index: the rows in use, one per image. Beside the columns of `PreparedSet.index`: `image`, the image that a patch
            was cut from, or the image itself; `origin`, the set or folder it came from; `y`, the class number, −1 without
            a label; `group`, what must not be on both sides of a split: the patient, or the image where no patient is
            known.
        class_names: by class number; the positive class, if there is one, is the last of two.
        positive: the positive class, or "".
    """

    pool: Pool
    index: pd.DataFrame
    class_names: tuple[str, ...]
    positive: str

    @property
    def name(self) -> str:
        """The word for it in messages and tables."""
        return self.pool.name

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def has_patients(self) -> bool:
        return bool((self.index["patient"] != "").any())

    def images(self, rows: np.ndarray, channels: int) -> np.ndarray:
        """uint8 (len(rows), height, width, channels), 0–255, for row numbers of the pool."""
        return self._stores[channels](rows)

    @cached_property
    def _stores(self) -> dict[int, ImageStore]:
        paths = [folder / "images.npy" for folder in self.pool.folders]
        return {channels: ImageStore(paths, channels) for channels in (1, 3)}

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of images for each split and class."""
        names = np.array([*self.class_names, "no label"])[self.index["y"]]
        table = pd.crosstab(self.index["split"].replace("", "all"), names)
        return {str(split): {str(name): int(n) for name, n in row.items()} for split, row in table.iterrows()}

    def take(self, keep: np.ndarray) -> "Dataset":
        """The same set with only the rows where `keep`, bool (len(self),), holds."""
        return Dataset(self.pool, self.index[keep], self.class_names, self.positive)


def open_dataset(
    pool: Pool,
    labels: LabelOptions | None = None,
    where: Mapping[str, list[str]] | None = None,
    labelled: bool = True,
) -> Dataset:
    """Rows and classes of a pool.

    Args:
        pool: prepared sets, each with its subset.
        labels: classes that replace the manifest's own.
        where: column -> values to keep; a value that begins with "!" is left out instead.
        labelled: drop the rows without a label. False keeps every row and reads no label.

    Raises:
        RequestError: an unknown subset, column, label or class; a class without images.
    """
    index = _described(_filtered(pool, where or {}))
    if not labelled:
        return Dataset(pool, index.assign(y=-1), (), "")
    options = _class_options(pool, labels)
    classes = options.classes or {str(label): [str(label)] for label in sorted(set(index["label"]) - {""})}
    class_names = _ordered(list(classes), options.positive or "", pool.name)
    number_of = {label: class_names.index(name) for name, merged in classes.items() for label in merged}
    present = set(index["label"])
    for label in number_of:
        if label not in present:
            raise RequestError(
                f"{pool.name}: the label {label!r} has no image. Labels found: "
                f"{', '.join(sorted(present - {''})) or 'none'}."
            )
    index = index.assign(y=index["label"].map(number_of).fillna(-1).astype(int))
    index = index[index["y"] >= 0]
    if len(class_names) < 2:
        raise RequestError(
            f"{pool.name}: {len(class_names)} class with images; at least two are needed to learn from labels."
        )
    return Dataset(pool, index, tuple(class_names), options.positive or "")


def _filtered(pool: Pool, where: Mapping[str, list[str]]) -> pd.DataFrame:
    """The rows of a pool that `where` keeps."""
    index = pool.index()
    for column, values in where.items():
        if column not in COLUMNS:
            raise unknown("column", column, COLUMNS, f"{pool.name}: where")
        left_out = [value[1:] for value in values if value.startswith("!")]
        kept = [value for value in values if not value.startswith("!")]
        # A pool's patients and studies carry their set's name; a recipe may leave it out.
        own = pd.Series([word.removeprefix(f"{of}:") for of, word in zip(index["set"], index[column])], index.index)
        present = {*own, *index[column]}
        for value in [*left_out, *kept]:
            if value not in present:
                raise unknown(column, value, present - {""}, f"{pool.name}: where")
        is_left_out, is_kept = (own.isin(some) | index[column].isin(some) for some in (left_out, kept))
        index = index[~is_left_out & (is_kept if kept else True)]
    if index.empty:
        raise RequestError(f"{pool.name}: no image is left by the subset and `where`.")
    return index


def _described(index: pd.DataFrame) -> pd.DataFrame:
    """`index` with the columns `image`, `group` and `origin`; studies are numbered apart for each body part."""
    image = index["source_image"].where(index["source_image"] != "", index["id"])
    group = index["patient"].where(index["patient"] != "", "image " + image)
    folder = index["id"].str.rpartition("/")[0]
    origin = folder if index["set"].nunique() == 1 else index["set"]
    index = index.assign(image=image, group=group, origin=origin)
    if index["body_part"].nunique() > 1:
        named = (index["study"] != "") & (index["body_part"] != "")
        index["study"] = index["study"].where(~named, index["body_part"] + "/" + index["study"])
    return index


def _class_options(pool: Pool, asked: LabelOptions | None) -> LabelOptions:
    """The classes to tell apart: the recipe's, completed by the manifests'."""
    if asked is None or (not asked.classes and not asked.positive):
        return pool.labels
    if not asked.classes:
        return LabelOptions.model_construct(classes=pool.labels.classes, positive=asked.positive)
    if asked.positive is None and pool.positive in asked.classes:
        return LabelOptions(classes=asked.classes, positive=pool.positive)
    return asked


def _ordered(names: list[str], positive: str, where: str) -> list[str]:
    """The classes in the order of their numbers: of two, the positive one is the last."""
    if positive and positive not in names:
        raise unknown("positive class", positive, names, where)
    if positive and len(names) == 2:
        return [next(name for name in names if name != positive), positive]
    return names
