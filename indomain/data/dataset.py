"""A data set as a recipe uses it: selected rows of a pool, with their classes and groups."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from indomain.data.image_store import ImageStore
from indomain.data.manifest import COLUMNS, LabelOptions
from indomain.data.options import OFFICIAL, DrawOptions
from indomain.data.pool import Pool
from indomain.data.prepared import before_treatment
from indomain.errors import RequestError, unknown

if TYPE_CHECKING:
    from indomain.data.duplicates import Signatures


@dataclass(frozen=True)
class Dataset:
    """Selected rows of a pool, with their classes and groups.

    Attributes:
        pool: the prepared sets.
        index: the rows in use, one per image. In addition to the columns of `PreparedSet.index` there are `image`, the
            id of the image that a patch was cut from, or of the image itself; `origin`, the set or folder that it came
            from; `y`, the class number, or −1 without a label; and `group`, which must not be on both sides of a split:
            the patient, or the image where the patient is not known.
        class_names: the names of the classes, by class number. If there are two and one is positive, it comes second.
        positive: the name of the positive class, or "".
    """

    pool: Pool
    index: pd.DataFrame
    class_names: tuple[str, ...]
    positive: str

    @property
    def name(self) -> str:
        """The name of the pool, for messages and tables."""
        return self.pool.name

    def __len__(self) -> int:
        return len(self.index)

    @cached_property
    def has_patients(self) -> bool:
        """Whether the patient of at least one image is known."""
        return bool((self.index["patient"] != "").any())

    def images(self, rows: np.ndarray, channels: int) -> np.ndarray:
        """Reads images.

        Args:
            rows: row numbers in the pool, int (n,).
            channels: 1 or 3; grey images are repeated, colour images are converted to luminance.

        Returns:
            uint8 (n, rows, columns, channels), 0–255.
        """
        return self._stores[channels](rows)

    @cached_property
    def signatures(self) -> "Signatures":
        """What is compared to find duplicates; computed once, although a target is compared with every source."""
        from indomain.data import duplicates

        rows = self.index["row"].to_numpy()
        # Copies are looked for in the images as they were: equalised piece by piece, two copies of different frames differ.
        store = ImageStore([before_treatment(folder) for folder in self.pool.folders], 1)
        return duplicates.sign(lambda places: store(rows[places])[..., 0], self.index["sha256"].to_numpy(str))

    @cached_property
    def _stores(self) -> dict[int, ImageStore]:
        paths = [folder / "images.npy" for folder in self.pool.folders]
        return {channels: ImageStore(paths, channels) for channels in (1, 3)}

    def counts(self) -> dict[str, dict[str, int]]:
        """The number of images per official split and class: {split: {class: images}}.

        Images without an official split are counted as "all", those without a label as "no label".
        """
        names = np.array([*self.class_names, "no label"])[self.index["y"]]
        table = pd.crosstab(self.index["split"].replace("", "all"), names)
        return {str(split): {str(name): int(n) for name, n in row.items()} for split, row in table.iterrows()}

    def take(self, keep: np.ndarray) -> "Dataset":
        """Returns the same data set with some of its rows.

        Args:
            keep: bool (len(self),), true for the rows to keep.
        """
        return Dataset(self.pool, self.index[keep], self.class_names, self.positive)


def open_dataset(
    pool: Pool,
    labels: LabelOptions | None = None,
    where: Mapping[str, list[str]] | None = None,
    labelled: bool = True,
    draw: DrawOptions | None = None,
    use: Sequence[str] = (),
    by_origin: bool = False,
) -> Dataset:
    """Selects rows of a pool and numbers their classes.

    Args:
        pool: prepared sets, each with its subset.
        labels: classes that replace those of the manifest; None uses the manifest's.
        where: for each column, the values to keep; a value that starts with "!" is left out instead.
        labelled: whether to read the labels, and to drop the rows without one. False keeps every row and reads no label.
        draw: how many of these rows to keep, drawn at random; None keeps all.
        use: the official splits to draw from, and images without one; (): all. Without `draw` nothing is left out.
        by_origin: whether the label is the set, or folder, that an image comes from, instead of its own.

    Raises:
        RequestError: if a subset, column, value, label or positive class is unknown, a label has no images, no image is
            left, there are fewer images than are to be drawn, or there are fewer than two classes.
    """
    index = _described(_filtered(pool, where or {}))
    if draw and use:
        index = index[index["split"].isin(use) | ~index["split"].isin(OFFICIAL)]
    if by_origin:
        index = index.assign(label=index["origin"])
        labels = labels if labels and labels.classes else _each_label(index)
    if not labelled and not (draw and draw.classes):
        return Dataset(pool, _drawn(pool, index.assign(y=-1), draw), (), "")
    options = _class_options(pool, labels)
    classes = options.classes or _each_label(index).classes
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
    index = _drawn(pool, index[index["y"] >= 0], draw)
    if not labelled:
        # Whether their labels are read or not, the images drawn are the same.
        return Dataset(pool, index.assign(y=-1), (), "")
    if draw and draw.classes:
        class_names = [name for number, name in enumerate(class_names) if (index["y"] == number).any()]
        if options.positive and options.positive not in class_names:
            raise RequestError(f"{pool.name}: the positive class {options.positive!r} is not among the classes drawn.")
        index = index.assign(y=index["y"].rank(method="dense").astype(int) - 1)
    if len(class_names) < 2:
        raise RequestError(
            f"{pool.name}: {len(class_names)} class with images; at least two are needed to learn from labels."
        )
    return Dataset(pool, index, tuple(class_names), options.positive or "")


def _each_label(index: pd.DataFrame) -> LabelOptions:
    """One class for each label; the manifests' classes are of other labels."""
    return LabelOptions(classes={str(label): [str(label)] for label in sorted(set(index["label"]) - {""})})


def _drawn(pool: Pool, index: pd.DataFrame, draw: DrawOptions | None) -> pd.DataFrame:
    """Some of the rows, in their order; classes are drawn by the column `y`."""
    if draw is None:
        return index
    if len(index) < draw.images:
        raise RequestError(f"{pool.name}: draw asks for {draw.images} images, but there are {len(index)} to draw from.")
    rng = np.random.default_rng(draw.seed)
    order = rng.permutation(len(index))
    if draw.classes is None:
        return index.iloc[np.sort(order[: draw.images])]
    # The first classes have an image more where they cannot all have the same number.
    each = [draw.images // draw.classes + (number < draw.images % draw.classes) for number in range(draw.classes)]
    y = index["y"].to_numpy()
    counts = np.bincount(y)
    large = np.flatnonzero(counts >= max(each))
    if len(large) < draw.classes:
        raise RequestError(
            f"{pool.name}: draw asks for {draw.classes} classes of {max(each)} images; of its {(counts > 0).sum()} classes "
            f"{len(large)} have as many. Draw fewer images, or of fewer classes."
        )
    chosen = np.sort(rng.permutation(large)[: draw.classes])
    kept = [order[y[order] == number][:count] for number, count in zip(chosen, each)]
    return index.iloc[np.sort(np.concatenate(kept))]


def _filtered(pool: Pool, where: Mapping[str, list[str]]) -> pd.DataFrame:
    """The rows of a pool that `where` selects."""
    index = pool.index()
    for column, values in where.items():
        if column not in (*COLUMNS, *pool.more):
            raise unknown("column", column, (*COLUMNS, *pool.more), f"{pool.name}: where")
        excluded = [value[1:] for value in values if value.startswith("!")]
        included = [value for value in values if not value.startswith("!")]
        # In a pool of several sets, patients and studies start with the set's name, which a recipe may omit.
        short = pd.Series(
            [value.removeprefix(f"{name}:") for name, value in zip(index["set"], index[column])], index.index
        )
        present = {*short, *index[column]}
        for value in [*excluded, *included]:
            if value not in present:
                raise unknown(column, value, present - {""}, f"{pool.name}: where")
        is_excluded, is_included = (short.isin(some) | index[column].isin(some) for some in (excluded, included))
        index = index[~is_excluded & (is_included if included else True)]
    if index.empty:
        raise RequestError(f"{pool.name}: no image is left by the subset and `where`.")
    return index


def _described(index: pd.DataFrame) -> pd.DataFrame:
    """`index` with the columns `image`, `group` and `origin`.

    If there are several body parts, the body part becomes part of the study, because sets number the studies of each body
    part separately.
    """
    image = index["source_image"].where(index["source_image"] != "", index["id"])
    people = index["patient"].groupby(persons(index))
    group = people.transform("first").where(index["patient"] != "", "image " + image)
    folder = index["id"].str.rpartition("/")[0]
    origin = folder if index["set"].nunique() == 1 else index["set"]
    index = index.assign(image=image, group=group, origin=origin)
    if index["body_part"].nunique() > 1:
        named = (index["study"] != "") & (index["body_part"] != "")
        index["study"] = index["study"].where(~named, index["body_part"] + "/" + index["study"])
    return index


def persons(index: pd.DataFrame) -> pd.Series:
    """Names the person behind each patient number, so that "P 07", "p7" and "P007" of one set are the same person.

    Case, spaces and leading zeros differ between the files of one set more often than they tell two people apart. Sets that
    share their numbers (`patients_of`) share their people.

    Args:
        index: rows of a pool, see `PreparedSet.index`.

    Returns:
        The set that the number belongs to and the number, one text a row; "" where the patient is not known.
    """
    names = [
        f"{numbers}:{_normal(patient.removeprefix(f'{name}:'))}" if patient else ""
        for name, numbers, patient in zip(index["set"], index["numbers"], index["patient"])
    ]
    return pd.Series(names, index.index, dtype=object)


def _normal(number: str) -> str:
    """A patient number without spaces and leading zeros, in lower case."""
    return re.sub(r"(?<![0-9.])0+(?=[0-9])", "", "".join(number.split()).casefold())


def _class_options(pool: Pool, labels: LabelOptions | None) -> LabelOptions:
    """The classes to tell apart: the recipe's, completed by the manifests'."""
    if labels is None or (not labels.classes and not labels.positive):
        return pool.labels
    if not labels.classes:
        return LabelOptions.model_construct(classes=pool.labels.classes, positive=labels.positive)
    if labels.positive is None and pool.positive in labels.classes:
        return LabelOptions(classes=labels.classes, positive=pool.positive)
    return labels


def _ordered(names: list[str], positive: str, where: str) -> list[str]:
    """The classes in the order of their numbers: of two, the positive one comes second."""
    if positive and positive not in names:
        raise unknown("positive class", positive, names, where)
    if positive and len(names) == 2:
        return [next(name for name in names if name != positive), positive]
    return names
