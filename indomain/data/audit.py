"""The audit of `indomain data check`: duplicates, contradictory labels, overlapping splits, and unexpected counts."""

from collections.abc import Iterable

import pandas as pd

from indomain.data.dataset import Dataset, persons
from indomain.data.duplicates import Pair
from indomain.data.manifest import Manifest
from indomain.data.pool import Pool

FINDING_COLUMNS = ["kind", "file", "other_file", "detail"]


def findings(dataset: Dataset, pairs: Iterable[Pair]) -> pd.DataFrame:
    """Lists what is wrong with a data set.

    The kinds are: unreadable, exact duplicate, near duplicate, contradicting labels (of two such images), split overlap
    (the same image in two official splits), patient overlap (the same patient in two official splits), one patient in
    several spellings (treated as one person), study of two labels, and count (the number of images differs from the manifest).

    Args:
        dataset: the data set to check, opened with all its rows.
        pairs: its similar images, as `indomain.data.duplicates.similar_pairs` yields them.

    Returns:
        One row per finding, with the columns `FINDING_COLUMNS`.
    """
    index = dataset.index.reset_index(drop=True)
    rows = [["unreadable", str(row.file), "", str(row.reason)] for row in dataset.pool.unreadable().itertuples()]
    rows += _duplicate_findings(pairs, index)
    rows += _patient_findings(index)
    rows += _spelling_findings(index)
    rows += _study_findings(index)
    for part in dataset.pool.parts:
        rows += _count_findings(part.manifest, part.subset, index[index["set"] == part.manifest.name])
    return pd.DataFrame(rows, columns=FINDING_COLUMNS)


def _duplicate_findings(pairs: Iterable[Pair], index: pd.DataFrame) -> list[list[str]]:
    rows = []
    for pair in pairs:
        a, b = index.iloc[pair.first], index.iloc[pair.second]
        rows.append([pair.kind, a["file"], b["file"], f"labels {a['label'] or '–'} and {b['label'] or '–'}"])
        if a["label"] != b["label"]:
            rows.append(["contradicting labels", a["file"], b["file"], f"{a['label'] or '–'} and {b['label'] or '–'}"])
        if a["split"] != b["split"]:
            rows.append(["split overlap", a["file"], b["file"], f"{a['split'] or '–'} and {b['split'] or '–'}"])
    return rows


def _patient_findings(index: pd.DataFrame) -> list[list[str]]:
    rows = []
    with_patient = index[(index["patient"] != "") & (index["split"] != "")]
    for _, images in with_patient.groupby(persons(with_patient)):
        if images["split"].nunique() > 1:
            first = images.drop_duplicates("split")
            detail = f"{first['patient'].iloc[0]} in {', '.join(first['split'])}"
            rows.append(["patient overlap", first["file"].iloc[0], first["file"].iloc[1], detail])
    return rows


def _spelling_findings(index: pd.DataFrame) -> list[list[str]]:
    rows = []
    for person, images in index.groupby(persons(index)):
        if person and images["patient"].nunique() > 1:
            first = images.drop_duplicates("patient")
            detail = f"{', '.join(map(repr, first['patient']))} are treated as one person"
            rows.append(["one patient in several spellings", first["file"].iloc[0], first["file"].iloc[1], detail])
    return rows


def _study_findings(index: pd.DataFrame) -> list[list[str]]:
    rows = []
    studies = index[(index["study"] != "") & (index["label"] != "")]
    # Each patient and body part has its own numbering of studies.
    for key, images in studies.groupby(["body_part", "patient", "study"]):
        if images["label"].nunique() > 1:
            first = images.drop_duplicates("label")
            detail = f"{'/'.join(filter(None, key))} is {' and '.join(first['label'])}"
            rows.append(["study of two labels", first["file"].iloc[0], first["file"].iloc[1], detail])
    return rows


def missing_images(pool: Pool) -> list[str]:
    """Returns where the number of images differs from the manifest, which means a wrong, partial or duplicated copy.

    Complete sets are counted, even if the pool holds subsets of them.

    Args:
        pool: the sets to check.

    Returns:
        One sentence per difference.
    """
    return [
        f"{part.manifest.name}: {finding[3]}"
        for part in pool.parts
        for finding in _count_findings(part.manifest, "", part.part("").index())
    ]


def _count_findings(manifest: Manifest, subset: str, index: pd.DataFrame) -> list[list[str]]:
    expected = manifest.expected_counts(subset)
    # The manifest counts labels as read, before classes are merged, and images before they are cut into patches.
    source = index["source_image"].where(index["source_image"] != "", index["id"])
    index = index[~source.duplicated()]
    sizes = index.groupby([index["split"].replace("", "all"), "label"]).size()
    rows = []
    if manifest.total and not subset and len(index) != manifest.total:
        rows.append(["count", "", "", f"{len(index)} images, the manifest expects {manifest.total}"])
    for split, classes in expected.items():
        for label, number in classes.items():
            count = int(sizes.get((split, label), 0)) if split != "all" else int((index["label"] == label).sum())
            if count != number:
                detail = f"{split}: {label or 'no label'}: {count} images, the manifest expects {number}"
                rows.append(["count", "", "", detail])
    return rows
