"""The audit: duplicates, contradicting labels, patients on both sides of a split, counts that differ from the manifest.

Near duplicates are pairs whose 64-bit perceptual hashes differ in at most 6 bits *and* whose 32 × 32 grey thumbnails
correlate above 0.985: the hash alone calls many different radiographs alike, since their low frequencies are. A copy
saved again as JPEG and rescaled passes both; one that was mirrored, rotated or cropped does not.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from PIL import Image

from indomain import manifests
from indomain.datasets import Dataset
from indomain.errors import RequestError
from indomain.joined import JoinedSet
from indomain.prepared import PreparedSet

MAX_HASH_BITS = 6
MIN_CORRELATION = 0.985
VERSION = 1
FINDING_COLUMNS = ["kind", "file", "other_file", "detail"]
LEAK_COLUMNS = ["kind", "fold", "train_id", "test_id", "train_file", "test_file"]


def findings(dataset: Dataset, subset: str = "", with_counts: bool = True) -> pd.DataFrame:
    """All that is wrong with a set: `kind, file, other_file, detail`, one row a finding.

    Kinds: unreadable, exact duplicate, near duplicate, contradicting labels, split overlap (the same picture in two
    official splits), patient overlap (in two official splits), study of two labels, count.
    """
    found: list[list[str]] = []
    for row in dataset.prepared.unreadable().itertuples():
        found.append(["unreadable", str(row.file), "", str(row.reason)])
    index = dataset.index.reset_index(drop=True)
    for kind, first, second in similar_pairs(dataset, dataset):
        a, b = index.iloc[first], index.iloc[second]
        found.append([kind, a["file"], b["file"], f"labels {a['label'] or '–'} and {b['label'] or '–'}"])
        if a["label"] != b["label"]:
            found.append(["contradicting labels", a["file"], b["file"], f"{a['label'] or '–'} and {b['label'] or '–'}"])
        if a["split"] != b["split"]:
            found.append(["split overlap", a["file"], b["file"], f"{a['split'] or '–'} and {b['split'] or '–'}"])
    with_patient = index[(index["patient"] != "") & (index["split"] != "")]
    for patient, part in with_patient.groupby("patient"):
        if part["split"].nunique() > 1:
            first = part.drop_duplicates("split")
            found.append(
                [
                    "patient overlap",
                    first["file"].iloc[0],
                    first["file"].iloc[1],
                    f"{patient} in {', '.join(first['split'])}",
                ]
            )
    studies = index[(index["study"] != "") & (index["label"] != "")]
    # Studies are numbered anew for each patient and body part.
    for (part, patient, study), rows in studies.groupby(["part", "patient", "study"]):
        if rows["label"].nunique() > 1:
            first = rows.drop_duplicates("label")
            words = f"{'/'.join(filter(None, (part, patient, study)))} is {' and '.join(first['label'])}"
            found.append(["study of two labels", first["file"].iloc[0], first["file"].iloc[1], words])
    if with_counts:
        found += _count_findings(dataset.prepared.manifest, subset, index)
    return pd.DataFrame(found, columns=FINDING_COLUMNS)


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
    if not (index["whole"] != "").any():
        return []
    test = index[split == "test"].reset_index().drop_duplicates("whole").set_index("whole")
    train = index[(split == "train") | (split == "val")]
    train = train[(train["whole"] != "") & train["whole"].isin(test.index)]
    return [
        ["same picture", fold, str(name), test.loc[row["whole"], "id"], row["file"], test.loc[row["whole"], "file"]]
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


def similar_pairs(first: Dataset, second: Dataset) -> Iterator[tuple[str, int, int]]:
    """Pairs of equal or nearly equal pictures: kind, place in `first.index`, place in `second.index`.

    Within one set each pair comes once.
    """
    same = first is second
    hashes = [np.array([int(text, 16) for text in one.index["phash"]], np.uint64) for one in (first, second)]
    pixels = [one.index["sha256"].to_numpy() for one in (first, second)]
    thumbnails = [_Thumbnails(one) for one in (first, second)]
    for start in range(0, len(hashes[0]), 1024):
        block = hashes[0][start : start + 1024]
        distance = np.bitwise_count(block[:, None] ^ hashes[1][None, :])
        for a, b in np.argwhere(distance <= MAX_HASH_BITS):
            a, b = int(a) + start, int(b)
            if same and a >= b:
                continue
            if pixels[0][a] == pixels[1][b]:
                yield "exact duplicate", a, b
            elif thumbnails[0][a] @ thumbnails[1][b] > MIN_CORRELATION:
                yield "near duplicate", a, b


class _Thumbnails:
    """32 × 32 grey thumbnails of mean 0 and norm 1, made when first asked for: their dot product is the correlation."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._rows = dataset.index["row"].to_numpy()
        self._made: dict[int, np.ndarray] = {}

    def __getitem__(self, place: int) -> np.ndarray:
        if place not in self._made:
            picture = self._dataset.pictures(self._rows[[place]], 1)[0, ..., 0]
            small = np.asarray(Image.fromarray(picture).resize((32, 32), Image.Resampling.BOX), np.float64).ravel()
            small -= small.mean()
            # A blank picture is like no other, except to the pixel.
            self._made[place] = small / (np.linalg.norm(small) or 1.0)
        return self._made[place]


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


def missing_images(prepared: PreparedSet | JoinedSet) -> list[str]:
    """Where the number of images differs from the manifest's: a wrong, partial or doubled copy; whole sets are counted."""
    parts = [part for part, _ in prepared.parts] if isinstance(prepared, JoinedSet) else [prepared]
    return [
        f"{part.manifest.name}: {finding[3]}"
        for part in parts
        for finding in _count_findings(part.manifest, "", part.index())
    ]


def _count_findings(manifest: manifests.Manifest, subset: str, index: pd.DataFrame) -> list[list[str]]:
    expected = manifest.expected_counts(subset)
    # Counts are of the labels as read, before classes are merged, and of pictures before they are cut.
    whole = index["whole"].where(index["whole"] != "", index["id"])
    index = index[~whole.duplicated()]
    have = index.groupby([index["split"].replace("", "all"), "label"]).size()
    rows = []
    for split, classes in expected.items():
        for label, number in classes.items():
            found = int(have.get((split, label), 0)) if split != "all" else int((index["label"] == label).sum())
            if found != number:
                rows.append(
                    ["count", "", "", f"{split}: {label or 'no label'}: {found} images, the manifest expects {number}"]
                )
    return rows


def count_by_kind(found: pd.DataFrame) -> dict[str, int]:
    """How many findings of each kind."""
    return {str(kind): int(number) for kind, number in found["kind"].value_counts().items()}
