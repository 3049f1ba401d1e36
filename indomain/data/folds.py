"""Splits: which images train, which choose, which test. Grouped by patient unless a paper's protocol is being repeated.

A split is a table with one row for each image of each fold: `fold, id, row, group, y, split, rank`, where `split` is
train, val, test or dropped, and `rank` orders the labels of a class inside train and val: a label fraction keeps the
first ones, so the 10 % set lies inside the 20 % set.
"""

import numpy as np
import pandas as pd

from indomain.data.dataset import Dataset
from indomain.data.options import SplitOptions
from indomain.errors import RequestError

COLUMNS = ["fold", "id", "row", "group", "y", "split", "rank"]


def draw(dataset: Dataset, options: SplitOptions) -> pd.DataFrame:
    """The split table of a labelled set.

    Raises:
        RequestError: fewer patients than folds, no official split, or a part without images of some class.
    """
    index = dataset.index.reset_index(drop=True)
    groups = (index["group"] if options.grouped else index["image"]).to_numpy()
    y = index["y"].to_numpy()
    tables = []
    for fold, test in enumerate(_test_parts(dataset, index, groups, y, options)):
        split = np.where(test, "test", "train").astype(object)
        official_val = (index["split"] == "val").to_numpy() & ~test
        if options.scheme == "official" and official_val.any():
            if options.validated:
                split[official_val] = "val"
        elif options.validated:
            rest = np.flatnonzero(~test)
            chosen = _held_out(
                groups[rest], y[rest], options.validation, options.seed + 7919 * (fold + 1), dataset.name
            )
            split[rest[chosen]] = "val"
        tables.append(_table(index, y, split, fold, options.seed))
    table = pd.concat(tables, ignore_index=True)
    check(table, dataset)
    return table


def draw_source(dataset: Dataset, use: list[str], validation: float, seed: int, grouped: bool) -> pd.DataFrame:
    """The split table of a source: all its images train, but for the share `validation` of the groups, if above 0."""
    index = dataset.index
    if use:
        index = index[index["split"].isin(["", *use])]
        if index.empty:
            raise RequestError(f"{dataset.name}: no image is in the splits {', '.join(use)}.")
    index = index.reset_index(drop=True)
    split = np.full(len(index), "train", object)
    if validation > 0:
        groups = (index["group"] if grouped else index["image"]).to_numpy()
        split[_held_out(groups, index["y"].to_numpy(), validation, seed, dataset.name)] = "val"
    return _table(index, index["y"].to_numpy(), split, 0, seed)


def _test_parts(
    dataset: Dataset, index: pd.DataFrame, groups: np.ndarray, y: np.ndarray, options: SplitOptions
) -> list[np.ndarray]:
    """For each fold a bool array: which images test."""
    if options.scheme == "official":
        official = index["split"].to_numpy()
        # Challenges often publish train and validation only; then the validation images are the ones to test on.
        name = "test" if (official == "test").any() else "val"
        if not (official == name).any() or not (official == "train").any():
            raise RequestError(
                f'{dataset.name}: the set has no official test images. Use scheme = "holdout" or "kfold".'
            )
        return [official == name]
    if options.scheme == "holdout":
        parts = []
        for repeat in range(options.folds):
            chosen = np.zeros(len(y), bool)
            chosen[_held_out(groups, y, options.test, options.seed + repeat, dataset.name)] = True
            parts.append(chosen)
        return parts
    return _k_folds(dataset, groups, y, options)


def _k_folds(dataset: Dataset, groups: np.ndarray, y: np.ndarray, options: SplitOptions) -> list[np.ndarray]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if options.folds < 2:
        raise RequestError(f'{dataset.name}: scheme = "kfold" needs folds = 2 or more.')
    for number, name in enumerate(dataset.class_names):
        have = len(set(groups[y == number]))
        if have < options.folds:
            what = "patients" if options.grouped and dataset.has_patients else "images"
            raise RequestError(
                f"{dataset.name}: class {name!r} has {have} {what}, fewer than the {options.folds} folds asked for. "
                f"Ask for {have} folds or fewer."
            )
    # Patches of one picture are a group even where patients are not.
    together = options.grouped or len(set(groups)) < len(groups)
    folds = StratifiedGroupKFold if together else StratifiedKFold
    splitter = folds(options.folds, shuffle=True, random_state=options.seed)
    parts = []
    for _, test in splitter.split(np.zeros(len(y)), y, groups if together else None):
        chosen = np.zeros(len(y), bool)
        chosen[test] = True
        parts.append(chosen)
    return parts


def _held_out(groups: np.ndarray, y: np.ndarray, share: float, seed: int, name: str) -> np.ndarray:
    """Places of the images of a random `share` of the groups, stratified by the groups' most frequent class."""
    from sklearn.model_selection import train_test_split

    frame = pd.DataFrame({"group": groups, "y": y})
    # With a tie the rarer class speaks for the group, so that rare classes reach both sides.
    rarity = frame["y"].map(frame["y"].value_counts())
    frame["weight"] = 1 + 1e-9 * (rarity.max() - rarity)
    label = frame.groupby(["group", "y"], sort=True)["weight"].sum().reset_index().sort_values("weight", kind="stable")
    label = label.drop_duplicates("group", keep="last").sort_values("group")
    counts = label["y"].value_counts()
    if len(label) < 2:
        raise RequestError(
            f"{name}: one patient only; nothing can be held out. Set grouped = false to split its images."
        )
    if counts.min() < 2:
        raise RequestError(
            f"{name}: a class has a single patient, which cannot stand on both sides of a split. Merge or drop the class."
        )
    held = max(round(share * len(label)), label["y"].nunique())
    try:
        _, chosen = train_test_split(label["group"].to_numpy(), test_size=held, stratify=label["y"], random_state=seed)
    except ValueError as error:
        raise RequestError(
            f"{name}: {held} of {len(label)} patients cannot be held out for every class: {error}."
        ) from None
    return np.flatnonzero(np.isin(groups, chosen))


def _table(index: pd.DataFrame, y: np.ndarray, split: np.ndarray, fold: int, seed: int) -> pd.DataFrame:
    table = index[["id", "row", "group"]].assign(fold=fold, y=y, split=split)
    # Patients come in one random order, and their images class by class in that order.
    names = np.sort(table["group"].unique())
    order = pd.Series(np.random.default_rng([seed, fold, 1]).permutation(len(names)), index=names)
    place = table.assign(order=table["group"].map(order)).sort_values(["order", "id"])
    table["rank"] = place.groupby(["split", "y"]).cumcount().reindex(table.index)
    return table[COLUMNS]


def check(table: pd.DataFrame, dataset: Dataset) -> None:
    """Raises a RequestError if a class is missing from train, val or test."""
    for fold, part in table.groupby("fold"):
        for split in sorted({*part["split"], "train"} - {"dropped"}):
            present = set(part.loc[part["split"] == split, "y"])
            absent = [name for number, name in enumerate(dataset.class_names) if number not in present]
            if absent:
                raise RequestError(
                    f"{dataset.name}: the {split} part of fold {fold} has no image of class {', '.join(absent)}. "
                    "Ask for fewer folds, another seed, or a larger share."
                )
