"""What stands on both sides of a split: images, patients, patches of one image."""

import numpy as np
import pandas as pd

from indomain.data.dataset import Dataset
from indomain.data.duplicates import similar_pairs
from indomain.errors import RequestError

LEAK_COLUMNS = ["kind", "fold", "train_id", "test_id", "train_file", "test_file"]


def leaks(dataset: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """What stands on both sides of a split: the same or nearly the same picture, or the same patient.

    Args:
        table: a split table of `dataset`; train and val are one side, test the other.

    Returns:
        `kind, fold, train_id, test_id, train_file, test_file`, one row a pair (for patients: one row a patient).
    """
    index = dataset.index.reset_index(drop=True)
    pairs = list(similar_pairs(dataset, dataset))
    found: list[list] = []
    for fold, part in table.groupby("fold"):
        side = dict(zip(part["id"], part["split"]))
        for kind, first, second in pairs:
            for a, b in ((first, second), (second, first)):
                ids = index["id"].iloc[a], index["id"].iloc[b]
                if side.get(ids[0]) in ("train", "val") and side.get(ids[1]) == "test":
                    found.append([kind, fold, *ids, index["file"].iloc[a], index["file"].iloc[b]])
        found += _cut_apart(index.set_index("id").loc[part["id"]], part["split"].to_numpy(), fold)
        if dataset.has_patients:
            place = index.set_index("id").loc[part["id"]]
            found += _patient_leaks(
                place[(part["split"] != "test").to_numpy()], place[(part["split"] == "test").to_numpy()], fold
            )
    return pd.DataFrame(found, columns=LEAK_COLUMNS)


def _cut_apart(index: pd.DataFrame, split: np.ndarray, fold: int) -> list[list]:
    """One row for each patch that learns while another patch of its picture tests; `index` is by image id."""
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
    """What of a source is also among a target's test images (`tested`: their ids): pictures, and patients of the same set."""
    test = target.take(target.index["id"].isin(tested).to_numpy())
    sources, tests = source.index.reset_index(drop=True), test.index.reset_index(drop=True)
    found: list[list] = []
    for kind, a, b in similar_pairs(source, test):
        row, other = sources.iloc[a], tests.iloc[b]
        found.append([kind, 0, row["id"], other["id"], row["file"], other["file"]])
    # Pixels are not the same where one set cuts a picture that the other shows whole: the file is.
    already = {row[2] for row in found}
    by_file = tests.drop_duplicates("file").set_index("file")["id"]
    for row in sources[sources["file"].isin(by_file.index) & ~sources["id"].isin(already)].itertuples():
        found.append(["same file", 0, row.id, by_file[row.file], row.file, row.file])
    # Patient numbers mean the same person only inside one data set, or in sets that share them.
    sources = sources[sources["numbers"].isin(set(tests["numbers"]))]
    if len(sources) and source.has_patients:
        own = [frame.assign(patient=_own_patient(frame)).set_index("id") for frame in (sources, tests)]
        found += _patient_leaks(own[0], own[1], 0)
    return pd.DataFrame(found, columns=LEAK_COLUMNS)


def stop_at(found: pd.DataFrame, name: str) -> None:
    """Raises a RequestError that counts and names leaks, if there are any."""
    if found.empty:
        return
    lines = [f"  {row.kind}: {row.train_file} and {row.test_file}" for row in found.head(5).itertuples()]
    kinds = ", ".join(f"{number} × {kind}" for kind, number in count_by_kind(found).items())
    more = f"\n  and {len(found) - 5} more" if len(found) > 5 else ""
    raise RequestError(
        f"{name}: {len(found)} leaks between training and test images ({kinds}):\n" + "\n".join(lines) + more + "\n"
        "Set drop_leaks = true in the recipe to remove the training side, split by patient (grouped = true), or run with "
        "--profile paper, which keeps leaks and says so."
    )


def _own_patient(index: pd.DataFrame) -> pd.Series:
    """A patient's number in its own set: pools of several sets put the set's name before it."""
    return pd.Series(
        [patient.removeprefix(f"{name}:") for name, patient in zip(index["set"], index["patient"])], index.index
    )


def _patient_leaks(train: pd.DataFrame, test: pd.DataFrame, fold: int) -> list[list]:
    """One row for each patient on both sides; the frames are indexed by image id."""
    train, test = train[train["patient"] != ""], test[test["patient"] != ""]
    both = sorted(set(train["patient"]) & set(test["patient"]))
    first_train, first_test = (
        train.reset_index().drop_duplicates("patient"),
        test.reset_index().drop_duplicates("patient"),
    )
    a, b = first_train.set_index("patient"), first_test.set_index("patient")
    return [["same patient", fold, a.loc[p, "id"], b.loc[p, "id"], a.loc[p, "file"], b.loc[p, "file"]] for p in both]


def dropped_ids(found: pd.DataFrame, train: pd.DataFrame) -> set[str]:
    """Ids on the training side to remove: those of the pairs, and every image of a patient that leaks."""
    ids = set(found["train_id"])
    patients = set(train.loc[train["id"].isin(found.loc[found["kind"] == "same patient", "train_id"]), "group"])
    return ids | set(train.loc[train["group"].isin(patients), "id"])


def count_by_kind(found: pd.DataFrame) -> dict[str, int]:
    """How many findings of each kind."""
    return {str(kind): int(number) for kind, number in found["kind"].value_counts().items()}
