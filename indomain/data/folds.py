"""Splits: which images are used to train, to validate and to test.

Splits are grouped by patient, except where the protocol of a paper is reproduced.

A split is a table with one row per image and fold, `fold, id, row, group, y, split, rank`. `split` is train, val, test or
dropped. `rank` orders the images of a class within train and within val: a label fraction keeps the first ones, so that
the 10 % set is contained in the 20 % set.
"""

import numpy as np
import pandas as pd

from indomain.data.budget import ranks
from indomain.data.dataset import Dataset
from indomain.data.options import OFFICIAL, SplitOptions
from indomain.errors import RequestError

COLUMNS = ["fold", "id", "row", "group", "y", "split", "rank"]


def draw(dataset: Dataset, options: SplitOptions) -> pd.DataFrame:
    """Draws the split of a target.

    Args:
        dataset: a data set with labels.
        options: how to split it.

    Returns:
        The split table, see above.

    Raises:
        RequestError: if a class has fewer patients than there are folds, there is no official split, or a class is
            missing from a part.
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
            seed = options.seed + 7919 * (fold + 1)  # differs from the seeds of the test parts
            held_out = _held_out(groups[rest], y[rest], options.validation, seed, dataset.name)
            split[rest[held_out]] = "val"
        tables.append(_table(index, y, split, fold, options.seed))
    table = pd.concat(tables, ignore_index=True)
    check(table, dataset)
    return table


def draw_source(dataset: Dataset, use: list[str], validation: float, seed: int, grouped: bool) -> pd.DataFrame:
    """Draws the split of a source: all its images are training images, except those held out for validation.

    Args:
        dataset: the data set to pretrain on.
        use: the official splits to learn from; images without one are always used. Empty: every image.
        validation: share of the groups to hold out, at least 0 and below 1; 0 needs no labels.
        seed: seed of the random choice.
        grouped: hold out patients rather than images.

    Returns:
        The split table, with a single fold 0.

    Raises:
        RequestError: if no image is left, or the validation images cannot be held out.
    """
    index = dataset.index
    if use:
        index = index[index["split"].isin(use) | ~index["split"].isin(OFFICIAL)]
        if index.empty:
            raise RequestError(f"{dataset.name}: no image is in the splits {', '.join(use)}.")
    index = index.reset_index(drop=True)
    split = np.full(len(index), "train", object)
    if validation > 0:
        groups = (index["group"] if grouped else index["image"]).to_numpy()
        split[_held_out(groups, index["y"].to_numpy(), validation, seed, dataset.name)] = "val"
    return _table(index, index["y"].to_numpy(), split, 0, seed)


def all_tested(dataset: Dataset) -> pd.DataFrame:
    """The split of a set that is only tested on: every image, in a single fold 0.

    Args:
        dataset: a data set with labels.

    Raises:
        RequestError: a class has no image.
    """
    index = dataset.index.reset_index(drop=True)
    table = _table(index, index["y"].to_numpy(), np.full(len(index), "test", object), 0, 0)
    check_tested(table, dataset)
    return table


def check_tested(table: pd.DataFrame, dataset: Dataset) -> None:
    """Checks that every class has images that are tested on.

    Args:
        table: a split table.
        dataset: the data set.

    Raises:
        RequestError: a class has none.
    """
    present = set(table.loc[table["split"] == "test", "y"])
    absent = [name for number, name in enumerate(dataset.class_names) if number not in present]
    if absent:
        raise RequestError(f"{dataset.name}: no image of class {', '.join(absent)} is left to test on.")


def _test_parts(
    dataset: Dataset, index: pd.DataFrame, groups: np.ndarray, y: np.ndarray, options: SplitOptions
) -> list[np.ndarray]:
    """The test images of each fold, as bool arrays (len(index),)."""
    if options.scheme == "official":
        official = index["split"].to_numpy()
        # Challenges often publish only training and validation images; then the latter serve as test images.
        name = "test" if (official == "test").any() else "val"
        if not (official == name).any() or not (official == "train").any():
            raise RequestError(
                f'{dataset.name}: the set has no official test images. Use scheme = "holdout" or "kfold".'
            )
        return [official == name]
    if options.scheme == "published":
        names = sorted(set(index["split"]) - {"", *OFFICIAL}, key=lambda name: (len(name), name))
        if len(names) < 2:
            raise RequestError(
                f"{dataset.name}: the set has no published folds. Put the file that names them into its folder (`indomain data "
                'show` says which), or use scheme = "kfold".'
            )
        return [(index["split"] == name).to_numpy() for name in names]
    if options.scheme == "holdout":
        parts = []
        for repeat in range(options.folds):
            test = np.zeros(len(y), bool)
            test[_held_out(groups, y, options.test, options.seed + repeat, dataset.name)] = True
            parts.append(test)
        return parts
    return _k_folds(dataset, groups, y, options)


def _k_folds(dataset: Dataset, groups: np.ndarray, y: np.ndarray, options: SplitOptions) -> list[np.ndarray]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if options.folds < 2:
        raise RequestError(f'{dataset.name}: scheme = "kfold" needs folds = 2 or more.')
    for number, name in enumerate(dataset.class_names):
        count = len(set(groups[y == number]))
        if count < options.folds:
            what = "patients" if options.grouped and dataset.has_patients else "images"
            raise RequestError(
                f"{dataset.name}: class {name!r} has {count} {what}, fewer than the {options.folds} folds asked for. "
                f"Ask for {count} folds or fewer."
            )
    # Patches of one image stay together even if patients do not.
    has_groups = options.grouped or len(set(groups)) < len(groups)
    folds = StratifiedGroupKFold if has_groups else StratifiedKFold
    parts = []
    for repeat in range(options.repeats):
        splitter = folds(options.folds, shuffle=True, random_state=options.seed + repeat)
        for _, positions in splitter.split(np.zeros(len(y)), y, groups if has_groups else None):
            test = np.zeros(len(y), bool)
            test[positions] = True
            parts.append(test)
    return parts


def _held_out(groups: np.ndarray, y: np.ndarray, share: float, seed: int, name: str) -> np.ndarray:
    """Positions of the images of a random `share` of the groups, stratified by the most frequent class of each group."""
    from sklearn.model_selection import train_test_split

    frame = pd.DataFrame({"group": groups, "y": y})
    # A tie is broken in favour of the rarer class, so that rare classes reach both sides.
    frequency = frame["y"].map(frame["y"].value_counts())
    frame["weight"] = 1 + 1e-9 * (frequency.max() - frequency)
    label = frame.groupby(["group", "y"], sort=True)["weight"].sum().reset_index().sort_values("weight", kind="stable")
    label = label.drop_duplicates("group", keep="last").sort_values("group")
    if len(label) < 2:
        raise RequestError(
            f"{name}: one patient only, so that none can be held out. Set grouped = false to split by image."
        )
    counts = label["y"].value_counts()
    patients = frame.groupby("y")["group"].nunique()
    if any(patients[number] < 2 for number in counts.index[counts < 2]):
        raise RequestError(
            f"{name}: a class has a single patient, who cannot be on both sides of a split. Merge or drop the class."
        )
    # Groups may hold several classes, as pictures of many textures under one light do: the only group in which a class is the
    # most frequent is drawn among those of the largest stratum.
    strata = label["y"].where(label["y"].map(counts) > 1, counts.idxmax())
    size = max(round(share * len(label)), strata.nunique())
    try:
        _, held_out = train_test_split(label["group"].to_numpy(), test_size=size, stratify=strata, random_state=seed)
    except ValueError as error:
        raise RequestError(
            f"{name}: {size} of {len(label)} patients cannot be held out for every class: {error}."
        ) from None
    return np.flatnonzero(np.isin(groups, held_out))


def _table(index: pd.DataFrame, y: np.ndarray, split: np.ndarray, fold: int, seed: int) -> pd.DataFrame:
    table = index[["id", "row", "group"]].assign(fold=fold, y=y, split=split)
    table["rank"] = ranks(table, [seed, fold, 1])
    return table[COLUMNS]


def check(table: pd.DataFrame, dataset: Dataset) -> None:
    """Checks that every class has images in every part of every fold.

    Args:
        table: a split table.
        dataset: the data set that was split.

    Raises:
        RequestError: if a class is missing from train, val or test.
    """
    for fold, part in table.groupby("fold"):
        for split in sorted({*part["split"], "train"} - {"dropped"}):
            present = set(part.loc[part["split"] == split, "y"])
            absent = [name for number, name in enumerate(dataset.class_names) if number not in present]
            if absent:
                raise RequestError(
                    f"{dataset.name}: the {split} part of fold {fold} has no image of class {', '.join(absent)}. "
                    "Ask for fewer folds, another seed, or a larger share."
                )
