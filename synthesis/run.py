"""A run of synthesis: generators learn from the training images of one fold, make images, and these are judged."""

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
from indomain.training import model as training_model
from indomain.training.batches import Batches
from indomain.training.trainer import Trainer
from synthesis import judgement
from synthesis.adversarial import Adversarial, adversarial, initialise
from synthesis.options import GANOptions
from synthesis.registry import GENERATORS

STEPS_OF_EPOCH = 100  # a set of forty images is passed so often that an epoch has as many steps
SHOWN = 8  # real and synthetic images of each class on the contact sheet
_DONE = "made.npz"  # what a class has made, until the run is done
FEWEST_JUDGED = 50  # synthetic images of a class that are judged at least


def run(work: Work) -> dict[str, Any]:
    """Learns, makes and judges; returns facts for the run's record.

    Raises:
        Diverged: a loss is not finite. The rows that would have had its images then count as diverged.
    """
    params, split = work.params, Split.open(work.task.paths)
    table = split.labelled(params)
    images = split.images(params["shape"][-1])
    train = table[table["split"] == "train"].reset_index(drop=True)
    kind = GENERATORS[params["generator"]]
    numbers = sorted(train["y"].unique())
    made: dict[int, np.ndarray] = {}
    facts: dict[str, Any] = {"images": len(train), "steps": 0}
    accuracies: dict[int, float] = {}
    for group in [[number] for number in numbers] if kind.of_class else [numbers]:
        rows = train[train["y"].isin(group)]
        told = 0 if kind.of_class else len(params["classes"])
        counts = {number: int((train["y"] == number).sum()) for number in group}
        of_group, learnt = _made(work, rows, images, told, counts)
        made |= of_group
        facts["steps"] += int(learnt["steps"])
        facts["images_per_second"] = learnt["images_per_second"]
        accuracies |= dict.fromkeys(group, learnt["discriminator_accuracy"])
    everything = np.concatenate([made[number] for number in numbers])
    synthetic.write(work.folder, everything, np.repeat(numbers, [len(made[number]) for number in numbers]))
    lines = _judged(work, table, images, made, accuracies)
    _write_sheet(work, train, images, made)
    for path in work.folder.glob(f"*/{_DONE}"):
        path.unlink()
    words = sorted({word for line in lines for word in str(line["beware"]).split("; ") if word})
    return {**facts, "made": len(everything), "beware": words}


def _made(
    work: Work, rows: pd.DataFrame, images: Any, told: int, counts: dict[int, int]
) -> tuple[dict[int, np.ndarray], dict[str, float]]:
    """Class number -> images that players have made after they have learnt from some rows, and facts of the training.

    Both are kept until the run is done: a killed run goes on with the class that it was at.
    """
    folder = work.folder / (f"class{rows['y'].min()}" if not told else "classes")
    folder.mkdir(exist_ok=True)
    try:
        with np.load(folder / _DONE, allow_pickle=False) as kept:
            made = {number: kept[f"made{number}"] for number in counts}
            return made, {name: float(kept[name]) for name in kept.files if not name.startswith("made")}
    except files.UNREADABLE:
        pass
    model, facts = _learnt(work, rows, images, told, folder)
    amount, seed = work.params["amounts"][-1], work.params["seed"]
    made = {n: model.make(max(ceil(amount * count), FEWEST_JUDGED), seed, n) for n, count in counts.items()}
    files.write_arrays(folder / _DONE, {**{f"made{n}": pictures for n, pictures in made.items()}, **facts})
    return made, facts


def _learnt(
    work: Work, rows: pd.DataFrame, images: Any, told: int, folder: Path
) -> tuple[Adversarial, dict[str, float]]:
    """Players that have learnt from some images, and facts."""
    params = work.params
    options = GANOptions.model_validate(params["options"])
    model = adversarial(GENERATORS[params["generator"]], options, tuple(params["shape"]), told)
    seed = params["seed"] + 104729 * int(rows["y"].min() if not told else 0)
    initialise(model, seed)
    training_model.reset(model, options.learning_rate, seed % 2**31)
    batch = min(options.batch, len(rows))
    of_epoch = min(STEPS_OF_EPOCH, options.steps)
    order = np.resize(np.random.default_rng(seed).permutation(len(rows)), of_epoch * batch)
    y = rows["y"].to_numpy()[order] if told else None
    batches = Batches(images, rows["row"].to_numpy()[order], y, None, batch, seed)
    learning = options.model_copy(update={"epochs": ceil(options.steps / of_epoch), "batch": batch})
    trainer = Trainer(learning, seed, folder, work.progress)
    facts = trainer.fit(model, batches)
    log = pd.read_csv(folder / "log.csv")
    last = log["discriminator_accuracy"].tail(max(len(log) // 10, 1)).mean()
    return model, {
        "steps": learning.epochs * of_epoch,
        "images_per_second": facts["images_per_second"],
        "discriminator_accuracy": float(last),
    }


def _judged(
    work: Work, table: pd.DataFrame, images: Any, made: dict[int, np.ndarray], accuracies: dict[int, float]
) -> list[dict[str, Any]]:
    """Writes `judged.csv` and `nearest.csv`; returns the lines of the former."""
    params = work.params
    kind, augment = GENERATORS[params["generator"]], params["options"]["augment"]
    seen, ids, lines = {}, {}, []
    for number, pictures in made.items():
        of_class = table[table["y"] == number]
        real, held_out = (of_class[of_class["split"] == part] for part in ("train", "val"))
        originals = images(real["row"].to_numpy())
        changed = judgement.augmented(originals, augment if augment != "none" else "basic", params["seed"])
        kept = images(held_out["row"].to_numpy()) if len(held_out) else np.zeros((0, *params["shape"]), np.uint8)
        seen[number] = judgement.Seen(*(judgement.features_of(part) for part in (originals, kept, pictures, changed)))
        ids[number] = real["id"].to_numpy()
        name = params["classes"][number]
        lines.append(
            judgement.judged(name, seen[number], accuracies[number], not kind.differentiable and augment != "none")
        )
        work.progress(f"judging {name}")
    judged = pd.DataFrame(lines, columns=judgement.COLUMNS)
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
