"""`indomain advise`: what a set is, what each beginning gives off the shelf, what can be told, and a recipe of the finalists."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from advice import beginnings, finalists, fingerprint, screening
from advice.beginnings import Candidate
from advice.screening import Screened
from indomain import files
from indomain.data import new_manifest, preparing, sizes
from indomain.data.dataset import Dataset, open_dataset
from indomain.data.manifest import Manifest, load_manifest, manifest_names
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder

FOLDS, REPEATS = 5, 5
MARGIN = 0.02
FUSED = "the ImageNet networks together"
VERSION = 1


def advise(options: argparse.Namespace) -> None:
    """Prints the advice and writes it, with the recipe of the finalists, to a folder.

    Raises:
        RequestError: the images have no labels, one class, or a class with a single patient; a name or file is unknown.
    """
    folder, manifest, reference = _manifest(options)
    records = preparing.list_records(manifest, options.data_dir, None)
    found = sizes.sizes_of(records)
    side = options.size or sizes.side_for(found)
    text: list[str] = []

    def tell(*lines: str) -> None:
        for line in lines:
            print(line, flush=True)
            text.append(line)

    study = _study(options, folder, reference, side, 0, FOLDS)
    drawn_from = len(records) if len(records) > options.most else 0
    dataset = _dataset(study, options.most if drawn_from else 0)
    folds = _folds(dataset, manifest.name)
    study = _study(options, folder, reference, side, options.most if drawn_from else 0, folds)
    split = study.target("data", "strict")
    unreadable = dataset.pool.unreadable()
    tell(*fingerprint.sentences(dataset, unreadable, found, fingerprint.modalities(records), drawn_from))
    tell(*_once(folder, "gate", [dataset.pool.digest, VERSION], lambda: fingerprint.of_gate(dataset)))
    known, left = beginnings.at_hand(options.data_dir, options.features)
    tell("", *left)
    known, refused = _not_seen(known, split)
    tell(*refused)
    table = _screened(folder, split, known)
    tell(*_lines(table, folds, dataset.has_patients), "")
    patients = int(dataset.index["group"].nunique())
    tell(*screening.sentences(table, f"{patients} {'patients' if dataset.has_patients else 'images'}"))
    chosen = finalists.chosen(table, known)
    names = [candidate.name for candidate in chosen]
    minutes = _once(
        folder, "minutes", [split.digest, names, VERSION], lambda: finalists.minutes_of(chosen, split, folds)
    )
    sets = _sets_here(options.data_dir, manifest)
    recipe = finalists.recipe(manifest.title, reference, split, chosen, table, folds, minutes, sets)
    files.write_text(folder / "finalists.toml", recipe)
    table.to_csv(folder / "advice.csv", index=False, float_format="%.6g")
    whom = f"{', '.join(names)}; {folds} folds, {finalists.SEEDS} seeds, two learning rates"
    path = folder / "finalists.toml"
    them = "it" if len(chosen) == 1 else "them"
    tell(
        f"Fine-tuning {them} ({whom}) takes about {minutes:.0f} minutes here. Which is best then is not foretold: scores off the "
        "shelf have not been shown to rank beginnings after fine-tuning.",
        f"The recipe: {path}. indomain run {path}",
    )
    files.write_text(folder / "advice.txt", "\n".join(text) + "\n")


def _manifest(options: argparse.Namespace) -> tuple[Path, Manifest, str]:
    """The folder of the advice, the manifest, and how a recipe in that folder names the set."""
    word = options.data
    path = Path(word)
    name = new_manifest.name_of(path)
    folder = options.output or Path(f"advice-{name}")
    folder.mkdir(parents=True, exist_ok=True)
    if path.is_dir() or path.suffix == ".npz":
        own = folder / f"{name}.toml"
        if own.is_file():
            print(f"{own}, as it is. If its assumptions are wrong, change it and call again.")
        else:
            new_manifest.write(path, own)
        return folder, load_manifest(str(own))[0], own.name
    manifest, _ = load_manifest(word)
    reference = str(path.absolute()) if ".toml" in word else word
    return folder, manifest, reference


def _study(options: argparse.Namespace, folder: Path, reference: str, side: int, most: int, folds: int) -> Study:
    """A study whose only target is the set, in folds that are drawn several times."""
    draw = f"\ndraw = {{ images = {most} }}" if most else ""
    text = (
        f'title = "Advice"\nsize = {side}\nchannels = "rgb"\ndrop_leaks = true\nbackbones = ["squeezenet"]\n'
        f"[targets.data]\nset = {json.dumps(reference)}{draw}\n"
        f'split = {{ scheme = "kfold", folds = {folds}, repeats = {REPEATS}, validated = false }}\n'
        '[chains]\nimagenet = ["imagenet"]\n'
    )
    files.write_text(folder / "screening.toml", text)
    name, recipe, base = load_recipe(str(folder / "screening.toml"), [])
    return Study(name, recipe, base, RunsFolder(options.runs_dir), options.data_dir, options.cache_dir)


def _dataset(study: Study, most: int) -> Dataset:
    """The images with their classes."""
    from indomain.data.options import DrawOptions

    pool = study.pool_of(study.recipe.targets["data"])
    if (pool.index()["label"] == "").all():
        raise RequestError(
            f"{pool.name}: the images have no labels, so that nothing can be judged on them. Put them into one folder a class, "
            "or name a column of labels; as a source without labels they serve as they are."
        )
    return open_dataset(pool, draw=DrawOptions(images=most) if most else None)


def _folds(dataset: Dataset, name: str) -> int:
    """Five folds, or as many as the rarest class has patients."""
    fewest = int(dataset.index.groupby("y")["group"].nunique().min())
    if fewest < 2:
        raise RequestError(
            f"{name}: a class has one patient. Nothing can be learnt from patients and tested on others with it: add patients, "
            "or merge the class with another (labels.classes in the manifest)."
        )
    if fewest < FOLDS:
        print(f"{fewest} folds instead of {FOLDS}: a class has {fewest} patients.", file=sys.stderr)
    return min(FOLDS, fewest)


def _not_seen(known: list[Candidate], split: Split) -> tuple[list[Candidate], list[str]]:
    """The candidates without models that have learnt from the set, and sentences about these."""
    kept, said = [], []
    for candidate in known:
        count = beginnings.overlap(candidate, split)
        if count:
            said.append(
                f"{candidate.name} is left out: it has learnt from {count} of these images, or from copies of them."
            )
        else:
            kept.append(candidate)
    return kept, said


def _screened(folder: Path, split: Split, known: list[Candidate]) -> pd.DataFrame:
    """The table of all candidates and of the ImageNet networks together; values are kept."""
    table, rows = split.every_fold(), split.rows()
    positive = split.info.positive_index
    store = folder / "features"

    def say(text: str) -> None:
        print(f"  {text}", file=sys.stderr, flush=True)

    def values_of(name: str, key: object, members: list[Candidate]) -> np.ndarray:
        def computed() -> list[float]:
            parts = [beginnings.features_of(member, split, store, say) for member in members]
            say(f"{table['fold'].nunique()} folds of {name}")
            return screening.evaluated(np.concatenate(parts, axis=1), table, rows, positive).tolist()

        return np.array(_once(folder, "values", [split.digest, key, VERSION], computed))

    imagenet = [candidate for candidate in known if candidate.start == "imagenet"]
    found = [Screened(one.name, values_of(one.name, [one.backbone, one.key], [one]), one.can_win) for one in known]
    key = [[one.backbone, one.key] for one in imagenet]
    found.append(Screened(FUSED, values_of(FUSED, key, imagenet)))
    part = table[(table["fold"] == 0) & (table["split"] != "dropped")]
    test = int((part["split"] == "test").sum())
    patients = int(table.loc[table["split"] == "test", "group"].nunique())
    return screening.compared(found, test / max(len(part) - test, 1), patients, MARGIN)


def _once(folder: Path, kind: str, key: object, compute):
    """A value as JSON that is computed once for a key."""
    path = folder / "kept" / f"{kind}-{files.digest_of(key)}.json"
    if not path.is_file():
        value = compute()
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(path, value)
    return files.read_json(path)


def _lines(table: pd.DataFrame, folds: int, has_patients: bool) -> list[str]:
    """The table for the terminal."""
    width = max(len(name) for name in table["beginning"])
    lines = [f"{'AUROC off the shelf':{width}}   mean  95 % interval   from the highest          verdict"]
    for row in table.itertuples():
        interval = f"[{row.ci_low:.3f}, {row.ci_high:.3f}]"
        difference = (
            f"{row.difference:+.3f} [{row.difference_low:+.3f}, {row.difference_high:+.3f}]"
            if row.difference == row.difference
            else ""
        )
        lines.append(f"{row.beginning:{width}}  {row.mean:.3f}  {interval:15}  {difference:25} {row.verdict}".rstrip())
    whose = "patient" if has_patients else "image"
    lines.append(
        f"A logistic regression on frozen features; {folds} folds by {whose}, drawn {REPEATS} times. Each interval is of one "
        "difference by itself; verdicts are corrected for their number."
    )
    return lines


def _sets_here(data_dir: Path, own: Manifest) -> list[str]:
    """Names of the sets in the data folder, without the one that is advised on."""
    found = []
    for name in manifest_names():
        manifest, _ = load_manifest(name)
        path = getattr(manifest.read, "root", None) or getattr(manifest.read, "file", None)
        if path and name != own.name and (data_dir / path).exists():
            found.append(name)
    return found[:8]
