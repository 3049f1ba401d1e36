"""`indomain data list | show | check | prepare | export | croissant | new`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from indomain.backend import import_keras
from indomain.data import croissant, export, new_manifest, preparing
from indomain.data.manifest import load_manifest, manifest_names
from indomain.data.pool import Pool
from indomain.data.prepared import PreparedSet
from indomain.errors import RequestError
from indomain.files import written

if TYPE_CHECKING:
    import pandas as pd


def listed(options: argparse.Namespace) -> None:
    """Prints the shipped data sets, and which are present."""
    for name in manifest_names():
        manifest, _ = load_manifest(name)
        path = getattr(manifest.read, "root", None) or getattr(manifest.read, "file", None)
        # A set without files is generated.
        present = "generated" if path is None else "present" if (options.data_dir / path).exists() else "absent"
        print(f"{name:22} {present:9}  {manifest.title}")


def show(options: argparse.Namespace) -> None:
    """Prints the content of a manifest, or draws a sheet of augmented images."""
    if options.augment:
        return _contact_sheet(options)
    manifest, subset = load_manifest(options.name)
    print(f"{manifest.name}: {manifest.title}")
    for key in ("citation", "licence", "get", "notes"):
        if getattr(manifest, key):
            print(f"  {key}: {getattr(manifest, key)}")
    classes = manifest.labels.classes
    if classes:
        print("  classes: " + "; ".join(f"{name} = {', '.join(labels)}" for name, labels in classes.items()))
    if manifest.labels.positive:
        print(f"  positive: {manifest.labels.positive}")
    for split, counts in manifest.expected_counts(subset).items():
        print(f"  expected, {split}: " + ", ".join(f"{label} {number}" for label, number in counts.items()))


def _contact_sheet(options: argparse.Namespace) -> None:
    # Both are heavy, and only this command needs them.
    from indomain.data.dataset import open_dataset

    dataset = open_dataset(Pool.of(_prepared(options)), labelled=False)
    import_keras()
    from indomain.commands import contact_sheet

    path = Path(f"augment-{dataset.name.replace('/', '-')}-{options.augment}.png")
    contact_sheet.write(dataset, options.augment, options.seed, path)
    print(f"{path}: images of {dataset.name}, each unchanged (left) and augmented seven times, seed {options.seed}")


def _prepared(options: argparse.Namespace) -> PreparedSet:
    size = _size(options.size)
    manifest, subset = load_manifest(options.name)
    return preparing.prepare(manifest, options.data_dir, options.cache_dir, size).part(subset)


def _size(given: list[int]) -> tuple[int, int]:
    if len(given) > 2 or not all(8 <= side <= 4096 for side in given):
        raise RequestError("--size takes one number, or rows and columns, of 8 to 4096 pixels.")
    return given[0], given[-1]


def prepare(options: argparse.Namespace) -> None:
    """Decodes a data set into the cache."""
    prepared = _prepared(options)
    info = prepared.info
    print(
        f"{info['name']}: {info['images']} images, {info['unreadable']} unreadable, {info['size']}, in {prepared.folder}"
    )


def exported(options: argparse.Namespace) -> None:
    """Writes the images of a data set as PNG files in order, with their ids."""
    manifest, subset = load_manifest(options.name)
    folder = options.output or Path(f"export-{options.name.removesuffix('.toml').replace('/', '-')}")
    size = _size(options.size) if options.size else None
    number = export.write(manifest, subset, options.data_dir, size, folder)
    print(
        f"{folder}: {number} images and images.csv, which has their ids in order; docs/beginnings.md says how to go on."
    )


def described(options: argparse.Namespace) -> None:
    """Writes a description of a data set in Croissant, and how a recipe splits it."""
    manifest, subset = load_manifest(options.name)
    folder = options.output or Path(f"croissant-{options.name.removesuffix('.toml').replace('/', '-')}")
    if folder.exists():
        raise RequestError(f"{folder} exists already. Remove it, or name another folder with --output.")
    splits = _splits(options, manifest.name) if options.recipe else None
    number = croissant.write(manifest, subset, options.data_dir, _size(options.size), folder, splits)
    print(
        f"{folder}: croissant.json, {number} images in images.csv{', their folds in splits.csv' if options.recipe else ''}"
    )


def _splits(options: argparse.Namespace, name: str) -> "pd.DataFrame":
    """The splits that a recipe draws of a set, one row per image and fold."""
    import pandas as pd

    from indomain.commands.run import study_of

    study = study_of(options)
    tables = []
    for target, of_target in study.recipe.targets.items():
        if [load_manifest(one, study.base)[0].name for one in of_target.sets] != [name]:
            continue
        for profile in study.recipe.profiles:
            table = (
                study.target(target, profile).every_fold()[["fold", "image", "split"]].rename(columns={"split": "role"})
            )
            table.insert(0, "target", target)
            table.insert(1, "profile", profile)
            # Patches of an image are used alike.
            tables.append(table.drop_duplicates())
    if not tables:
        raise RequestError(f"--recipe {options.recipe}: none of its targets has {name} as its only set.")
    return pd.concat(tables, ignore_index=True)


def check(options: argparse.Namespace) -> int:
    """Audits a data set: prints what is wrong, and writes all findings to a table and the similar pairs to an image."""
    # pandas is heavy, and only this command needs it.
    from indomain.commands import pair_sheet
    from indomain.data import audit, duplicates
    from indomain.data.dataset import open_dataset

    prepared = _prepared(options)
    altered = prepared.altered()
    if altered:
        raise RequestError(
            f"{prepared.folder / 'images.npy'}: the pixels of {len(altered)} images have changed ({altered[0]} ...). "
            "Remove the folder; the set will be prepared again."
        )
    dataset = open_dataset(Pool.of(prepared), labelled=False)
    pairs = list(duplicates.similar_pairs(dataset, dataset))
    findings = audit.findings(dataset, pairs)
    index = dataset.index
    patients = f", {index['patient'].nunique()} patients" if dataset.has_patients else ""
    print(f"{dataset.name}: {len(dataset)} images{patients}")
    for (split, label), part in index.groupby(["split", "label"]):
        print(f"  {split or 'all'}: {label or 'no label'}: {len(part)}")
    if findings.empty:
        print("No findings.")
    for kind, part in findings.groupby("kind", sort=False):
        print(f"{kind}: {len(part)}")
        for row in part.head(10).itertuples():
            print("  " + "  ".join(text for text in (row.file, row.other_file, row.detail) if text))
        if len(part) > 10:
            print(f"  ... {len(part) - 10} more in the table")
    path = Path(f"check-{dataset.name.replace('/', '-')}.csv")
    with written(path) as temporary:
        findings.to_csv(temporary, index=False)
    print(f"All {len(findings)} findings: {path}")
    if pairs:
        path = path.with_suffix(".png")
        pair_sheet.write(dataset, pairs, path)
        print(f"{min(len(pairs), pair_sheet.MOST)} of {len(pairs)} similar pairs, the least similar first: {path}")
    return 0


def new(options: argparse.Namespace) -> None:
    """Writes a manifest for a folder of images."""
    new_manifest.write(options.folder, options.output)
