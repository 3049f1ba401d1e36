"""The audit of `indomain data check`: duplicates, contradicting labels, split overlap, counts that differ from the manifest."""

import pandas as pd

from indomain.data.dataset import Dataset
from indomain.data.duplicates import similar_pairs
from indomain.data.manifest import Manifest
from indomain.data.pool import Pool

FINDING_COLUMNS = ["kind", "file", "other_file", "detail"]


def findings(dataset: Dataset) -> pd.DataFrame:
    """All that is wrong with a set: `kind, file, other_file, detail`, one row a finding.

    Kinds: unreadable, exact duplicate, near duplicate, contradicting labels, split overlap (the same picture in two
    official splits), patient overlap (in two official splits), study of two labels, count.
    """
    found: list[list[str]] = []
    for row in dataset.pool.unreadable().itertuples():
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
    for (part, patient, study), rows in studies.groupby(["body_part", "patient", "study"]):
        if rows["label"].nunique() > 1:
            first = rows.drop_duplicates("label")
            words = f"{'/'.join(filter(None, (part, patient, study)))} is {' and '.join(first['label'])}"
            found.append(["study of two labels", first["file"].iloc[0], first["file"].iloc[1], words])
    for part in dataset.pool.parts:
        found += _count_findings(part.manifest, part.subset, index[index["set"] == part.manifest.name])
    return pd.DataFrame(found, columns=FINDING_COLUMNS)


def missing_images(pool: Pool) -> list[str]:
    """Where the number of images differs from the manifest's: a wrong, partial or doubled copy; whole sets are counted."""
    return [
        f"{part.manifest.name}: {finding[3]}"
        for part in pool.parts
        for finding in _count_findings(part.manifest, "", part.part("").index())
    ]


def _count_findings(manifest: Manifest, subset: str, index: pd.DataFrame) -> list[list[str]]:
    expected = manifest.expected_counts(subset)
    # Counts are of the labels as read, before classes are merged, and of pictures before they are cut.
    source = index["source_image"].where(index["source_image"] != "", index["id"])
    index = index[~source.duplicated()]
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
