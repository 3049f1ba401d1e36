"""Draws a split: assigns the folds, checks for leaks, and writes the files that `indomain.data.split` describes."""

import sys
from pathlib import Path

import pandas as pd

from indomain import files
from indomain.data import audit, folds, leakage
from indomain.data.dataset import Dataset
from indomain.data.request import ExternalRequest, SourceRequest, TargetRequest
from indomain.data.split import SplitInfo
from indomain.errors import RequestError


def draw_target(request: TargetRequest, folder: Path) -> SplitInfo:
    """Draws the split of a target and writes its files.

    Args:
        request: the target, and how it is split.
        folder: an existing folder; `split.csv` and `leaks.csv` are written to it.

    Raises:
        RequestError: if the split cannot be drawn, a leak was found that is not to be kept, or a label budget leaves a
            class without training images.
    """
    dataset = request.dataset
    table = folds.draw(dataset, request.split)
    _say_shared_numbers(dataset, dataset)
    leaks = leakage.leaks(dataset, table)
    dropped = 0
    if len(leaks) and not request.keeps_leaks:
        if not request.profile.drop_leaks:
            leakage.stop_at(leaks, f"targets.{request.name} ({dataset.name})")
        for fold in sorted(set(table["fold"])):
            side = (table["fold"] == fold) & table["split"].isin(["train", "val"])
            dropped += _drop(table, side, leaks[leaks["fold"] == fold])
        folds.check(table, dataset)
    # A label budget that cannot be met is reported now rather than when its run starts.
    for budget in request.options.budgets():
        for fold in sorted(set(table["fold"])):
            budget.rows(table[table["fold"] == fold], request.split.validation)
    learnt = 0
    if request.split.scheme == "official":
        official_val = dataset.index.loc[dataset.index["split"] == "val", "id"]
        learnt = int((table["id"].isin(official_val) & (table["split"] == "train")).sum())
    return _write(folder, request.name, dataset, table, leaks, dropped, learnt)


def draw_source(request: SourceRequest, folder: Path) -> SplitInfo:
    """Draws the split of a source and writes its files.

    Args:
        request: the source, and the targets that it must not leak into.
        folder: an existing folder; `split.csv` and `leaks.csv` are written to it.

    Raises:
        RequestError: if the split cannot be drawn, or images that are also among a target's test images were found and
            are not to be dropped or leave nothing to learn from.
    """
    dataset, strict = request.dataset, request.profile.strict
    validation = request.options.validation if strict and request.labelled else 0.0
    table = folds.draw_source(dataset, list(request.options.use), validation, 0, strict)
    used = dataset.take(dataset.index["id"].isin(table["id"]).to_numpy())
    tables = []
    for target, split in request.against:
        _say_shared_numbers(dataset, target.dataset)
        every_fold = split.every_fold()
        tested = set(every_fold.loc[every_fold["split"] == "test", "id"])
        tables.append(leakage.leaks_between(used, target.dataset, tested))
    leaks = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=leakage.LEAK_COLUMNS)
    dropped = 0
    if strict and len(leaks):
        if not request.profile.drop_leaks:
            leakage.stop_at(leaks, f"sources.{request.name} ({dataset.name}) against the targets' test images")
        dropped = _drop(table, pd.Series(True, table.index), leaks)
        if request.labelled:
            folds.check(table, dataset)
        elif not (table["split"] == "train").any():
            raise RequestError(
                f"sources.{request.name}: every image is also among a target's test images; none is left."
            )
    return _write(folder, request.name, dataset, table, leaks, dropped)


def draw_external(request: ExternalRequest, folder: Path) -> SplitInfo:
    """Writes the split of a set that is only tested on: all its images, but those that the target has, too, or patients of it.

    Args:
        request: the set, and the target whose networks are tested.
        folder: an existing folder; `split.csv` and `leaks.csv` are written to it.

    Raises:
        RequestError: it has other classes than the target, or images or patients of it that are not to be left out.
    """
    dataset, (target, split) = request.dataset, request.target
    table = folds.all_tested(dataset)
    _say_shared_numbers(dataset, target.dataset)
    learnt = set(split.every_fold()["id"])
    leaks = leakage.leaks_between(dataset, target.dataset, learnt)
    dropped = 0
    if len(leaks) and request.profile.strict and request.options.leaks != "kept":
        if not request.profile.drop_leaks:
            raise RequestError(
                f"{request.name}: {len(leaks)} images or patients are in both sets ({leaks['kind'].iloc[0]}: "
                f"{leaks['train_file'].iloc[0]} and {leaks['test_file'].iloc[0]}). Set drop_leaks = true to leave them out of "
                "the external set, or test on another."
            )
        dropped = _drop(table, pd.Series(True, table.index), leaks)
        folds.check_tested(table, dataset)
    return _write(folder, request.name, dataset, table, leaks, dropped)


def _say_shared_numbers(dataset: Dataset, other: Dataset) -> None:
    for sentence in leakage.shared_numbers(dataset.index, other.index):
        print(f"Note: {sentence}", file=sys.stderr)


def _drop(table: pd.DataFrame, side: pd.Series, leaks: pd.DataFrame) -> int:
    """Marks the leaking rows of `side`, bool (len(table),), as dropped, in place. Returns their number."""
    leaking = side & table["id"].isin(leakage.dropped_ids(leaks, table[side]))
    table.loc[leaking, "split"] = "dropped"
    return int(leaking.sum())


def _write(
    folder: Path,
    name: str,
    dataset: Dataset,
    table: pd.DataFrame,
    leaks: pd.DataFrame,
    dropped: int,
    official_val_learnt: int = 0,
) -> SplitInfo:
    descriptions = dataset.index.set_index("id")[["patient", "study", "image", "origin", "label", "file"]]
    table = table.join(descriptions, on="id")
    table.to_csv(folder / "split.csv", index=False)
    leaks.to_csv(folder / "leaks.csv", index=False)
    pool, index = dataset.pool, dataset.index
    # A result does not depend on where the files are; labels and patients are already represented by `y` and `group`.
    content = table.drop(columns=["file", "label", "patient"]).to_csv(index=False)
    counts = table[table["split"] != "dropped"].groupby(["fold", "split", "y"]).size()
    tested = table[table["split"] == "test"].groupby(["fold", "y"])["group"].nunique()
    return SplitInfo(
        name=name,
        set=dataset.name,
        title=pool.title,
        citation=pool.citation,
        synthetic=pool.synthetic,
        stand_in=pool.stand_in,
        classes=list(dataset.class_names),
        positive=dataset.positive,
        channels=pool.channels,
        has_patients=dataset.has_patients,
        has_studies=bool((index["study"] != "").any()),
        cut=bool((index["source_image"] != "").any()),
        origins=_origins(dataset),
        masks=pool.masks,
        incomplete=audit.missing_images(pool),
        folds=int(table["fold"].nunique()),
        counts=[[int(fold), str(split), int(y), int(n)] for (fold, split, y), n in counts.items()],
        tested=[[int(fold), int(y), int(n)] for (fold, y), n in tested.items()],
        leaks=leakage.count_by_kind(leaks),
        dropped=dropped,
        official_val_learnt=official_val_learnt,
        rows=files.digest_of([pool.digest, sorted({int(row) for row in table["row"]})]),
        digest=files.digest_of([pool.digest, list(dataset.class_names), content]),
    )


def _origins(dataset: Dataset) -> list[str]:
    """The sets or folders that the images came from; none if they only repeat the labels, as class folders do."""
    index = dataset.index
    labelled = index[index["label"] != ""]
    one_label_each = (labelled.groupby("origin")["label"].nunique() == 1).all() and labelled["label"].nunique() > 1
    if index["set"].nunique() == 1 and len(labelled) == len(index) and one_label_each:
        return []
    return sorted(set(index["origin"]) - {""})
