"""A run of synthesis: generators learn from the training images of one fold, make images, and these are judged."""

from collections.abc import Callable
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import files
from indomain.artifacts import synthetic
from indomain.data.images.sheets import sheet
from indomain.data.split import Split
from indomain.runs.task import Work
from synthesis import judgement, learning, translation
from synthesis.adversarial import adversarial, initialise
from synthesis.options import CycleOptions, GANOptions
from synthesis.registry import CYCLEGAN, GENERATORS

SHOWN = 8  # real and synthetic images of each class on the contact sheet
_DONE = "made.npz"  # what a class has made, until the run is done
FEWEST_JUDGED = 50  # synthetic images of a class that are judged at least

# Makes a number of images of a class, given its number; also returns facts of them.
Make = Callable[[int, int], tuple[np.ndarray, dict[str, float]]]


def run(work: Work) -> dict[str, Any]:
    """Learns, makes and judges; returns facts for the run's record.

    Raises:
        Diverged: a loss is not finite. The rows that would have had its images then count as diverged.
    """
    if work.task.kind == "translate":
        return translation.run(work)
    params, split = work.params, Split.open(work.task.paths)
    table = split.labelled(params)
    images = split.images(params["shape"][-1])
    train = table[table["split"] == "train"].reset_index(drop=True)
    numbers = sorted(train["y"].unique())
    made: dict[int, np.ndarray] = {}
    facts: dict[str, Any] = {"images": len(train), "steps": 0}
    accuracies: dict[int, float] = {}
    changes: dict[int, float] = {}
    for group in [[number] for number in numbers] if _is_of_class(params["generator"]) else [numbers]:
        of_group, learnt = _made(work, train[train["y"].isin(group)], images, group)
        made |= of_group
        facts["steps"] += int(learnt["steps"])
        facts["images_per_second"] = learnt["images_per_second"]
        accuracies |= dict.fromkeys(group, learnt["discriminator_accuracy"])
        changes |= {number: learnt[f"change{number}"] for number in group if f"change{number}" in learnt}
    everything = np.concatenate([made[number] for number in numbers])
    synthetic.write(work.folder, everything, np.repeat(numbers, [len(made[number]) for number in numbers]))
    lines = _judged(work, table, images, made, accuracies, changes)
    _write_sheet(work, train, images, made)
    for path in work.folder.glob(f"*/{_DONE}"):
        path.unlink()
    words = sorted({word for line in lines for word in str(line["beware"]).split("; ") if word})
    return {**facts, "made": len(everything), "beware": words}


def _is_of_class(generator: str) -> bool:
    """Whether each class has players of its own."""
    return generator != CYCLEGAN and GENERATORS[generator].of_class


def _made(
    work: Work, rows: pd.DataFrame, images: Any, group: list[int]
) -> tuple[dict[int, np.ndarray], dict[str, float]]:
    """Class number -> images that players have made after they have learnt from some rows, and facts of the training.

    Both are kept until the run is done: a killed run goes on with the class that it was at.
    """
    folder = work.folder / (f"class{group[0]}" if _is_of_class(work.params["generator"]) else "classes")
    folder.mkdir(exist_ok=True)
    try:
        with np.load(folder / _DONE, allow_pickle=False) as kept:
            made = {number: kept[f"made{number}"] for number in group}
            return made, {name: float(kept[name]) for name in kept.files if not name.startswith("made")}
    except files.UNREADABLE:
        pass
    make, facts = _learnt(work, rows, images, folder)
    amount, made = work.params["amounts"][-1], {}
    for number in group:
        count = max(ceil(amount * int((rows["y"] == number).sum())), FEWEST_JUDGED)
        made[number], more = make(number, count)
        facts |= more
    files.write_arrays(folder / _DONE, {**{f"made{n}": pictures for n, pictures in made.items()}, **facts})
    return made, facts


def _learnt(work: Work, rows: pd.DataFrame, images: Any, folder: Path) -> tuple[Make, dict[str, float]]:
    """What makes images of a class after players have learnt from some rows, and facts of the training."""
    params, shape = work.params, tuple(work.params["shape"])
    if params["generator"] == CYCLEGAN:
        options = CycleOptions.model_validate(params["options"])
        parts = [rows.loc[rows["y"] == number, "row"].to_numpy() for number in (0, 1)]
        model, facts = translation.learnt((images, parts[0]), (images, parts[1]), options, work, folder)

        def translate(number: int, count: int) -> tuple[np.ndarray, dict[str, float]]:
            pictures, change = model.make(images(parts[1 - number]), number == 1, count, params["seed"])
            return pictures, {f"change{number}": change}

        return translate, facts
    kind, of_gan = GENERATORS[params["generator"]], GANOptions.model_validate(params["options"])
    told = 0 if kind.of_class else len(params["classes"])
    players = adversarial(kind, of_gan, shape, told)  # type: ignore[arg-type]
    seed = params["seed"] + 104729 * int(0 if told else rows["y"].min())
    initialise(players, seed)
    y = rows["y"].to_numpy() if told else None
    facts = learning.trained(players, images, rows["row"].to_numpy(), y, of_gan, seed, folder, work.progress)
    return lambda number, count: (players.make(count, params["seed"], number), {}), facts


def _judged(
    work: Work,
    table: pd.DataFrame,
    images: Any,
    made: dict[int, np.ndarray],
    accuracies: dict[int, float],
    changes: dict[int, float],
) -> list[dict[str, Any]]:
    """Writes `judged.csv` and `nearest.csv`; returns the lines of the former."""
    params = work.params
    augment = params["options"]["augment"]
    augments_before = augment != "none" and (
        params["generator"] == CYCLEGAN or not GENERATORS[params["generator"]].differentiable
    )
    seen, ids, lines = {}, {}, []
    for number, pictures in made.items():
        of_class = table[table["y"] == number]
        real, held_out = (of_class[of_class["split"] == part] for part in ("train", "val"))
        originals = images(real["row"].to_numpy())
        changed = judgement.augmented(originals, augment if augment != "none" else "basic", params["seed"])
        kept = images(held_out["row"].to_numpy()) if len(held_out) else np.zeros((0, *params["shape"]), np.uint8)
        seen[number] = judgement.Seen(*(judgement.features_of(part) for part in (originals, kept, pictures, changed)))
        ids[number] = real["id"].to_numpy()
        work.progress(f"judging {params['classes'][number]}")
    for number in made:
        line = judgement.judged(params["classes"][number], seen[number], accuracies[number], augments_before)
        lines.append(judgement.translated(line, number, seen, changes[number]) if number in changes else line)
    columns = judgement.COLUMNS + (judgement.OF_TRANSLATION if changes else [])
    judged = pd.DataFrame(lines, columns=columns)
    judged.to_csv(work.folder / "judged.csv", index=False, float_format="%.6g")
    judgement.distances(params["classes"], seen, ids).to_csv(
        work.folder / "nearest.csv", index=False, float_format="%.6g"
    )
    return lines


def _write_sheet(work: Work, train: pd.DataFrame, images: Any, made: dict[int, np.ndarray]) -> None:
    """Writes `sheet.png`: a line a class, real images left, synthetic ones right."""
    lines = []
    for number, pictures in made.items():
        rows = train.loc[train["y"] == number, "row"].to_numpy()
        shown = np.resize(np.random.default_rng(0).permutation(rows), SHOWN)
        lines.append(np.concatenate([images(shown), pictures[:SHOWN]]))
    with files.written(work.folder / "sheet.png") as temporary:
        sheet(np.stack(lines), SHOWN).save(temporary, format="PNG")
