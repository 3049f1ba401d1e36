"""Listings: which images of which set train, choose and test, after the leakage gate. What a stage reads of the data.

listing-<key>/       in the runs folder's `work`
    split.csv       the split table: fold, id, row, group, y, split, rank, patient, study, image, origin, label, file
    leaks.csv       what stood on both sides, whether it was removed or not
    facts.json      classes, counts, digests; written last
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indomain import files
from indomain.data.options import SetOptions, SourceOptions, TargetOptions
from indomain.data.pool import JoinedSet
from indomain.data.prepared import PreparedSet
from indomain.errors import RequestError
from indomain.files import make_folder

if TYPE_CHECKING:
    import pandas as pd

    from indomain.data.dataset import Dataset

from indomain.data.budget import _words_of
from indomain.data.split import Listing, opened_listing

VERSION = 5
# What a listing takes from a manifest beside its images: the report says it.
_SAID = {"title", "citation", "synthetic", "stand_in", "labels", "counts", "subset_by", "patients_of"}


def for_target(
    work: Path, name: str, prepared: PreparedSet, subset: str, options: TargetOptions, strict: bool, drop_leaks: bool
) -> Listing:
    """The listing of a target, made now or found.

    Args:
        strict: group by patient, hold validation images out, and stop at leaks; otherwise the papers' protocol: a random
            split by image without validation, leaks counted and kept.
        drop_leaks: remove the training side of a leak instead of stopping.

    Raises:
        RequestError: the split cannot be made, or a leak was found.
    """
    split = options.split if strict else options.split.model_copy(update={"grouped": False, "validated": False})
    asked = {
        "version": VERSION,
        "kind": "target",
        "name": name,
        "prepared": prepared.digest,
        "set": options.model_dump(include={"set", "classes", "positive", "where"}),
        "manifests": [manifest.model_dump(include=_SAID) for manifest in prepared.manifests],
        # A digest does not see the order of keys, but which class is number 1 follows from it.
        "order": [list(options.classes), list(prepared.manifest.labels.classes)],
        "split": split.model_dump(),
        "strict": strict,
        "drop_leaks": drop_leaks,
        **({"leaks": "kept"} if options.leaks == "kept" else {}),
    }

    def make(folder: Path) -> dict[str, Any]:
        from indomain.data import folds, leakage
        from indomain.data.budget import with_labels

        dataset = _opened(prepared, subset, options)
        table = folds.make(dataset, split)
        leaks = leakage.leaks(dataset, table)
        dropped = 0
        if strict and len(leaks) and options.leaks != "kept":
            if not drop_leaks:
                leakage.stop_at(leaks, f"targets.{name} ({dataset.name})")
            for fold in sorted(set(table["fold"])):
                side = (table["fold"] == fold) & table["split"].isin(["train", "val"])
                ids = leakage.dropped_ids(leaks[leaks["fold"] == fold], table[side])
                chosen = side & table["id"].isin(ids)
                table.loc[chosen, "split"] = "dropped"
                dropped += int(chosen.sum())
            folds.check(table, dataset)
        for budget in options.budgets():
            for fold in sorted(set(table["fold"])):
                with_labels(table[table["fold"] == fold], **_words_of(budget), validation=split.validation)
        return _written(folder, name, dataset, table, leaks, dropped)

    return _found_or_made(work, asked, prepared, make)


def for_source(
    work: Path,
    name: str,
    prepared: PreparedSet | JoinedSet,
    subset: str,
    options: SourceOptions,
    against: list[tuple[Listing, PreparedSet, str, TargetOptions]],
    labelled: bool,
    strict: bool,
    drop_leaks: bool,
) -> Listing:
    """The listing of a source: what it shares with the targets' test images is refused, or removed.

    Args:
        against: the targets that learn from it: listing, prepared set, subset, options.
        labelled: whether an objective reads its labels; without, images of every class and of none are used.
        strict, drop_leaks: as for `for_target`.
    """
    asked = {
        "version": VERSION,
        "kind": "source",
        "name": name,
        "prepared": prepared.digest,
        "set": options.model_dump(),
        "manifests": [manifest.model_dump(include=_SAID) for manifest in prepared.manifests],
        "order": [list(options.classes), list(prepared.manifest.labels.classes)],
        "labelled": labelled,
        "against": sorted(listing.digest for listing, *_ in against),
        "strict": strict,
        "drop_leaks": drop_leaks,
    }

    def make(folder: Path) -> dict[str, Any]:
        import pandas as pd

        from indomain.data import folds, leakage

        dataset = _opened(prepared, subset, options, labelled)
        validation = options.validation if strict and labelled else 0.0
        table = folds.for_source(dataset, list(options.use), validation, 0, strict)
        used = dataset.take(dataset.index["id"].isin(table["id"]).to_numpy())
        found = []
        for listing, target_set, target_subset, target in against:
            every_fold = pd.read_csv(listing.folder / "split.csv", dtype={"id": str}, keep_default_na=False)
            tested = set(every_fold.loc[every_fold["split"] == "test", "id"])
            found.append(leakage.leaks_between(used, _opened(target_set, target_subset, target), tested))
        leaks = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=leakage.LEAK_COLUMNS)
        dropped = 0
        if strict and len(leaks):
            if not drop_leaks:
                leakage.stop_at(leaks, f"sources.{name} ({dataset.name}) against the targets' test images")
            chosen = table["id"].isin(leakage.dropped_ids(leaks, table))
            table.loc[chosen, "split"] = "dropped"
            dropped = int(chosen.sum())
            if labelled:
                folds.check(table, dataset)
            elif not (table["split"] == "train").any():
                raise RequestError(f"sources.{name}: every image is also among a target's test images; none is left.")
        return _written(folder, name, dataset, table, leaks, dropped)

    return _found_or_made(work, asked, prepared, make)


def _opened(prepared: PreparedSet | JoinedSet, subset: str, options: SetOptions, labelled: bool = True) -> "Dataset":
    from indomain.data.dataset import open_dataset

    return open_dataset(prepared, subset, options.labels, options.where, labelled)


def _written(
    folder: Path, name: str, dataset: "Dataset", table: "pd.DataFrame", leaks: "pd.DataFrame", dropped: int
) -> dict[str, Any]:
    from indomain.data import audit, leakage

    beside = dataset.index.set_index("id")[["patient", "study", "image", "origin", "label", "file"]]
    table = table.join(beside, on="id")
    table.to_csv(folder / "split.csv", index=False)
    leaks.to_csv(folder / "leaks.csv", index=False)
    manifest = dataset.prepared.manifest
    incomplete = audit.missing_images(dataset.prepared)
    used = table[table["split"] != "dropped"]
    content = table.drop(columns=["file", "label", "patient"]).to_csv(index=False)
    counts = used.groupby(["fold", "split", "y"]).size()
    return {
        "name": name,
        "set": dataset.name,
        "title": manifest.title,
        "citation": manifest.citation,
        "synthetic": manifest.synthetic,
        "stand_in": manifest.stand_in,
        "classes": list(dataset.class_names),
        "positive": dataset.positive,
        "channels": 1 if dataset.prepared.facts["channels"] == 1 else 3,
        "has_patients": dataset.has_patients,
        "has_studies": bool((dataset.index["study"] != "").any()),
        "cut": bool((dataset.index["whole"] != "").any()),
        "origins": _origins(dataset),
        "masks": dataset.prepared.facts.get("masks", ""),
        "incomplete": incomplete,
        "folds": int(table["fold"].nunique()),
        "counts": [[int(f), str(s), int(y), int(n)] for (f, s, y), n in counts.items()],
        "leaks": leakage.count_by_kind(leaks),
        "dropped": dropped,
        "rows": files.digest_of([dataset.prepared.digest, sorted({int(row) for row in table["row"]})]),
        "digest": files.digest_of([dataset.prepared.digest, list(dataset.class_names), content]),
    }


def _origins(dataset: "Dataset") -> list[str]:
    """The sets or folders that images came from; none where they only say the labels again, as class folders do."""
    index = dataset.index
    named = index[index["label"] != ""]
    one_label_each = (named.groupby("origin")["label"].nunique() == 1).all() and named["label"].nunique() > 1
    if index["set"].nunique() == 1 and len(named) == len(index) and one_label_each:
        return []
    return sorted(set(index["origin"]) - {""})


def _found_or_made(
    work: Path, asked: dict[str, Any], prepared: PreparedSet | JoinedSet, make: Callable[[Path], dict[str, Any]]
) -> Listing:
    folder = work / f"listing-{files.digest_of(asked)}"
    facts = files.read_record(folder, "facts.json")
    if facts is None:
        make_folder(work)
        building = Path(tempfile.mkdtemp(prefix=".listing-", dir=work))
        try:
            found = make(building)
            files.write_json(building / "facts.json", {**found, "files": files.contents(building)})
            try:
                os.rename(building, folder)
            except OSError:
                if not (folder / "facts.json").is_file():
                    raise RequestError(f"{folder} is in the way: it is not a finished listing. Remove it.") from None
        finally:
            shutil.rmtree(building, ignore_errors=True)
        facts = files.read_json(folder / "facts.json")
    return opened_listing(folder, prepared.folders, facts)
