"""What a set is, as far as its files and the gate say: images, patients, classes, sizes, colours, modality, copies."""

from collections import Counter
from pathlib import Path

import pandas as pd

from indomain.data import audit, duplicates
from indomain.data.dataset import Dataset
from indomain.data.readers import Record
from indomain.data.sizes import SAMPLED


def modalities(records: list[Record]) -> Counter:
    """Modality by the headers of DICOM files -> number of files, of a sample; empty where there are none.

    Args:
        records: all images.
    """
    import pydicom

    found: Counter = Counter()
    dicom = [record for record in records if Path(record.file).suffix.lower() == ".dcm"]
    for record in dicom[:: max(len(dicom) // SAMPLED, 1)]:
        header = pydicom.dcmread(record.file, stop_before_pixels=True, force=True)
        found[str(header.get("Modality", "not stated"))] += 1
    return found


def sentences(
    dataset: Dataset, unreadable: pd.DataFrame, sizes: list[tuple[int, int]], kinds: Counter, drawn_from: int
) -> list[str]:
    """The fingerprint, in sentences.

    Args:
        dataset: the images with their classes.
        unreadable: `file` and `reason` of what could not be read.
        sizes: (rows, columns) of some images, as they are.
        kinds: modalities by headers.
        drawn_from: the number of images that these were drawn from; 0: they are all.
    """
    index = dataset.index
    people = f" of {index['group'].nunique()} patients" if dataset.has_patients else "; patients are not named"
    counts = []
    for number, name in enumerate(dataset.class_names):
        of_class = index[index["y"] == number]
        whose = f" ({of_class['group'].nunique()} patients)" if dataset.has_patients else ""
        counts.append(f"{name} {len(of_class)}{whose}")
    said = [f"{len(index)} images{people}: {', '.join(counts)}."]
    if drawn_from:
        said.append(f"They were drawn at random from {drawn_from:,}; the rest was not looked at (--most).")
    if not dataset.has_patients:
        said.append(
            "Every image counts as its own patient. If patients have several, all that follows is too good: name them."
        )
    sides = sorted({min(size) for size in sizes})
    if sides:
        span = f"{sides[0]}" if len(sides) == 1 else f"{sides[0]} to {sides[-1]}"
        colour = "grey" if dataset.pool.channels == 1 else "colour"
        said.append(f"Shorter sides of {span} pixels, {colour}; modality: {_kinds(kinds)}.")
    if len(kinds) > 1:
        said.append(
            "Several modalities in one set: if they go with the classes, a network need only tell the modality."
        )
    if len(unreadable):
        first = unreadable.iloc[0]
        said.append(
            f"{len(unreadable)} files could not be read and are left out; the first: {first['file']}: {first['reason']}."
        )
    return said


def _kinds(kinds: Counter) -> str:
    return ", ".join(f"{name} {count}" for name, count in kinds.most_common()) or "the files do not say"


def of_gate(dataset: Dataset) -> list[str]:
    """What the gate and the audit found within the set, in sentences.

    Args:
        dataset: the images.
    """
    found = audit.findings(dataset, duplicates.similar_pairs(dataset, dataset))
    counts = found["kind"].value_counts()
    counts = counts[[kind for kind in counts.index if kind not in ("unreadable", "count")]]
    if counts.empty:
        return ["The gate found no copies, no contradicting labels and no patient in two official splits."]
    words = ", ".join(f"{kind}: {count}" for kind, count in counts.items())
    return [f"The gate found {words}. Copies are kept on one side of every split; `indomain data check` lists them."]
