"""Describes a data set in Croissant 1.0, JSON-LD that machines read: its images as a table, and how a recipe splits them.

<folder>/croissant.json     the description; the format of MLCommons, https://docs.mlcommons.org/croissant
<folder>/images.csv         id, file, label, class, and whatever else is known about each image
<folder>/splits.csv         target, profile, fold, image, split; only with a recipe

The pictures stay where they are: paths are relative to the data folder, and the description says where the set is had.
"""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indomain.data import preparing
from indomain.data.manifest import COLUMNS, Manifest
from indomain.data.prepared import in_subset
from indomain.data.readers.paths import path_in
from indomain.files import file_sha256, write_text, written_folder

if TYPE_CHECKING:
    import pandas as pd

CONFORMS = "http://mlcommons.org/croissant/1.0"
# As the specification states it, so that any reader of JSON-LD knows what the words mean.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
MEANING = {
    "id": "The name of the image within the set.",
    "file": "Where the image is, relative to the data folder.",
    "label": "The label as the set has it.",
    "class": "The class that the label belongs to; empty if images with this label are left out.",
    "patient": "The patient, or whatever the set groups images by.",
    "study": "The study that the image belongs to.",
    "body_part": "The body part.",
    "view": "The view.",
    "split": "The published split.",
    "target": "The name of the target in the recipe.",
    "profile": "The protocol that the split was drawn under: strict, or as the papers do it.",
    "fold": "The number of the fold, from 0.",
    "image": "The image, by its id.",
    "role": "What the image is used for in this fold: train, val, test, or dropped as a leak.",
}


def write(
    manifest: Manifest,
    subset: str,
    data_dir: Path,
    size: tuple[int, int] | None,
    folder: Path,
    splits: "pd.DataFrame | None" = None,
) -> int:
    """Writes the folder; it appears complete or not at all. No image is decoded.

    Args:
        manifest: the data set.
        subset: as in `indomain.data.prepared.PreparedSet`; "" for the complete set.
        data_dir: the folder that holds the data sets.
        size: (rows, columns), for sets that are drawn; else unused.
        folder: what to write; must not exist.
        splits: target, profile, fold, image and role, one row per image and fold; None: no recipe was named.

    Returns:
        The number of images.

    Raises:
        RequestError: the folder exists, data are missing, or the subset is unknown.
    """
    images = _images(manifest, subset, data_dir, size)
    with written_folder(folder) as building:
        tables = {"images": images} if splits is None else {"images": images, "splits": splits}
        for name, table in tables.items():
            table.to_csv(building / f"{name}.csv", index=False)
        described = describe(manifest, tables, {name: file_sha256(building / f"{name}.csv") for name in tables})
        write_text(building / "croissant.json", json.dumps(described, indent=2, ensure_ascii=False) + "\n")
    return len(images)


def describe(manifest: Manifest, tables: dict[str, "pd.DataFrame"], sha256: dict[str, str]) -> dict[str, Any]:
    """The description as JSON-LD.

    Args:
        manifest: the data set.
        tables: "images" and perhaps "splits", as they are written.
        sha256: of their files, by the same names.
    """
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": re.sub(r"[^\w.-]", "_", manifest.name),
        "description": _description(manifest),
        "license": manifest.licence,
    }
    if manifest.citation:
        found["citeAs"] = manifest.citation
    address = re.search(r"https?://[^\s:,;]+|doi:[^\s:,;)]+", f"{manifest.get} {manifest.citation}")
    if address:
        found["url"] = address[0].replace("doi:", "https://doi.org/")
    found["distribution"] = [
        {
            "@type": "cr:FileObject",
            "@id": f"{name}.csv",
            "name": f"{name}.csv",
            "contentUrl": f"{name}.csv",
            "encodingFormat": "text/csv",
            "sha256": sha256[name],
        }
        for name in tables
    ]
    found["recordSet"] = [_record_set(name, list(table.columns)) for name, table in tables.items()]
    return found


def _record_set(name: str, columns: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"@type": "cr:RecordSet", "@id": name, "name": name}
    if name == "images":
        found["key"] = {"@id": "images/id"}
    return {**found, "field": [_field(name, column) for column in columns]}


def _field(table: str, column: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table}/{column}",
        "name": f"{table}/{column}",
        "description": MEANING.get(column, f"The set's own column {column}."),
        "dataType": "sc:Integer" if column == "fold" else "sc:Text",
        "source": {"fileObject": {"@id": f"{table}.csv"}, "extract": {"column": column}},
    }
    if (table, column) == ("splits", "image"):
        found["references"] = {"field": {"@id": "images/id"}}
    return found


def _description(manifest: Manifest) -> str:
    parts = [f"{manifest.title}."]
    if manifest.synthetic:
        parts.append("Synthetic images.")
    if manifest.stand_in:
        parts.append("A reduced or partial copy of the set of that name.")
    parts += [manifest.notes, f"The images themselves are not included: {manifest.get}." if manifest.get else ""]
    return " ".join(part for part in parts if part)


def _images(manifest: Manifest, subset: str, data_dir: Path, size: tuple[int, int] | None) -> "pd.DataFrame":
    import pandas as pd

    class_of = {label: name for name, labels in manifest.labels.classes.items() for label in labels}
    read = manifest.read
    root = (
        path_in(manifest, data_dir, read.root)
        if getattr(read, "outside", False) and hasattr(read, "root")
        else data_dir
    )
    rows = [
        {
            "id": record.id,
            "file": record.file.removeprefix(f"{root}/"),
            **{column: getattr(record, column) for column in COLUMNS},
            **record.more,
        }
        for record in preparing.list_records(manifest, data_dir, size)
    ]
    table = pd.DataFrame(rows)
    table = table[in_subset(manifest, subset, table)]
    table.insert(3, "class", table["label"].map(lambda label: class_of.get(label, "") if class_of else label))
    # Columns that the set does not have.
    return table.loc[:, [name in ("id", "file", "label", "class") or (table[name] != "").any() for name in table]]
