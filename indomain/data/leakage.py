"""Leakage: what is on both sides of a split, be it an image, a patient or patches of one image."""

import numpy as np
import pandas as pd

from indomain.data.dataset import Dataset, persons
from indomain.data.duplicates import similar_pairs
from indomain.errors import RequestError

LEAK_COLUMNS = ["kind", "fold", "train_id", "test_id", "train_file", "test_file"]


def leaks(dataset: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """Finds the leaks of a split: identical or nearly identical images, patches of one image, and shared patients.

    Args:
        dataset: the data set that was split.
        table: its split table, see `indomain.data.folds`; train and val are one side, test is the other.

    Returns:
        One row per pair of images, or per patient, with the columns `LEAK_COLUMNS`.
    """
    index = dataset.index.reset_index(drop=True)
    pairs = list(similar_pairs(dataset, dataset))
    rows: list[list] = []
    for fold, part in table.groupby("fold"):
        side = dict(zip(part["id"], part["split"]))
        for pair in pairs:
            for a, b in ((pair.first, pair.second), (pair.second, pair.first)):
                ids = index["id"].iloc[a], index["id"].iloc[b]
                if side.get(ids[0]) in ("train", "val") and side.get(ids[1]) == "test":
                    rows.append([pair.kind, fold, *ids, index["file"].iloc[a], index["file"].iloc[b]])
        members, split = index.set_index("id").loc[part["id"]], part["split"].to_numpy()
        rows += _cut_apart(members, split, fold)
        if dataset.has_patients:
            rows += _patient_leaks(members[split != "test"], members[split == "test"], fold)
    return pd.DataFrame(rows, columns=LEAK_COLUMNS)


def _cut_apart(index: pd.DataFrame, split: np.ndarray, fold: int) -> list[list]:
    """One row per training or validation patch of an image that also has a test patch; `index` is indexed by image id."""
    if not (index["source_image"] != "").any():
        return []
    test = index[split == "test"].reset_index().drop_duplicates("source_image").set_index("source_image")
    train = index[(split == "train") | (split == "val")]
    train = train[(train["source_image"] != "") & train["source_image"].isin(test.index)]
    return [
        [
            "same picture",
            fold,
            str(name),
            test.loc[row["source_image"], "id"],
            row["file"],
            test.loc[row["source_image"], "file"],
        ]
        for name, row in train.iterrows()
    ]


def leaks_between(source: Dataset, target: Dataset, tested: set[str]) -> pd.DataFrame:
    """Finds the images and patients of a source that are also among the test images of a target.

    Args:
        source: the data set to pretrain on; all its images count as training images.
        target: the data set that is tested on.
        tested: ids of the target's test images.

    Returns:
        One row per pair of images, or per patient, with the columns `LEAK_COLUMNS`; `fold` is 0.
    """
    test = target.take(target.index["id"].isin(tested).to_numpy())
    sources, tests = source.index.reset_index(drop=True), test.index.reset_index(drop=True)
    rows: list[list] = []
    for pair in similar_pairs(source, test):
        row, other = sources.iloc[pair.first], tests.iloc[pair.second]
        rows.append([pair.kind, 0, row["id"], other["id"], row["file"], other["file"]])
    # Where one set cuts an image into patches and the other does not, the pixels differ but the file is the same.
    already = {row[2] for row in rows}
    by_file = tests.drop_duplicates("file").set_index("file")["id"]
    for row in sources[sources["file"].isin(by_file.index) & ~sources["id"].isin(already)].itertuples():
        rows.append(["same file", 0, row.id, by_file[row.file], row.file, row.file])
    # A patient number means the same person only within one data set, or in sets that share their numbers.
    sources = sources[sources["numbers"].isin(set(tests["numbers"]))]
    if len(sources) and source.has_patients:
        rows += _patient_leaks(sources.set_index("id"), tests.set_index("id"), 0)
    return pd.DataFrame(rows, columns=LEAK_COLUMNS)


def stop_at(found: pd.DataFrame, name: str) -> None:
    """Refuses a split that has leaks.

    Args:
        found: leaks, as `leaks` or `leaks_between` returns them; may be empty.
        name: what was split, for the message.

    Raises:
        RequestError: if there are leaks; it counts them by kind and names the first five.
    """
    if found.empty:
        return
    lines = [f"  {row.kind}: {row.train_file} and {row.test_file}" for row in found.head(5).itertuples()]
    kinds = ", ".join(f"{number} × {kind}" for kind, number in count_by_kind(found).items())
    more = f"\n  and {len(found) - 5} more" if len(found) > 5 else ""
    raise RequestError(
        f"{name}: {len(found)} leaks between training and test images ({kinds}):\n" + "\n".join(lines) + more + "\n"
        "Set drop_leaks = true in the recipe to remove the training side, split by patient (grouped = true), or run with "
        "--profile paper, which keeps and reports leaks."
    )


def shared_numbers(first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """Says which sets use the same patient numbers although no manifest says that they mean the same people.

    Args:
        first: rows of a pool, see `PreparedSet.index`.
        second: rows of another one, or of the same.

    Returns:
        One sentence per two sets with at least 10 numbers in common that are at least half of the smaller set's.
    """
    said = {}
    sides = [
        {str(owner): {person.removeprefix(f"{owner}:") for person in persons(part)} - {""} for owner, part in rows}
        for rows in (first.groupby("numbers"), second.groupby("numbers"))
    ]
    for one, numbers in sides[0].items():
        for other, other_numbers in sides[1].items():
            common = len(numbers & other_numbers)
            if one != other and common >= 10 and 2 * common >= min(len(numbers), len(other_numbers)):
                said[frozenset((one, other))] = (
                    f"{one} and {other} have {common} patient numbers in common. If they are the same people, say "
                    f'patients_of = "{other}" in the manifest of {one}; they count as different people now.'
                )
    return list(said.values())


def _patient_leaks(train: pd.DataFrame, test: pd.DataFrame, fold: int) -> list[list]:
    """One row per patient on both sides; the frames are indexed by image id."""
    train, test = (side.assign(patient=persons(side)) for side in (train, test))
    train, test = train[train["patient"] != ""], test[test["patient"] != ""]
    shared = sorted(set(train["patient"]) & set(test["patient"]))
    # A patient's first image on either side represents it.
    a, b = (side.reset_index().drop_duplicates("patient").set_index("patient") for side in (train, test))
    return [["same patient", fold, a.loc[p, "id"], b.loc[p, "id"], a.loc[p, "file"], b.loc[p, "file"]] for p in shared]


def dropped_ids(found: pd.DataFrame, train: pd.DataFrame) -> set[str]:
    """Returns the ids to remove from the training side, so that no leak is left.

    These are all training images of the patients who are on both sides or have a copy there: other images of theirs may
    show the same, or the copy may be of the same person under another number.

    Args:
        found: leaks, as `leaks` or `leaks_between` returns them.
        train: the rows of the split table on the training side.
    """
    groups = set(train.loc[train["id"].isin(found["train_id"]), "group"])
    return set(train.loc[train["group"].isin(groups), "id"])


def count_by_kind(found: pd.DataFrame) -> dict[str, int]:
    """Returns the number of rows of each kind.

    Args:
        found: leaks or findings, with a column `kind`.
    """
    return {str(kind): int(number) for kind, number in found["kind"].value_counts().items()}
