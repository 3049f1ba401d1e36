"""A small source on disk, and its learning: what the tests of the objectives share."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain.data.split import Split, SplitInfo
from indomain.errors import look_up
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.progress import silent
from indomain.training.trainer import Trainer
from pretrain.objectives import OBJECTIVES
from pretrain.step import PretrainingStep
from tests.small import values_of

SMALL = Architecture("dcnn-light", 0.125, (24, 24, 1))
COUNT = 48
EPOCHS = 12
# The keys that objectives need to learn from so few images.
OWN = {"pseudo-labels": {"clusters": 3, "every": 3}, "deeply-supervised": {"auxiliary": {"stem2_relu": 0.5}}}


def images() -> np.ndarray:
    """48 images, every second one dark, all brighter at the top, each with a disc of its own size and position."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:24, :24]
    found = np.empty((COUNT, 24, 24, 1))
    for number in range(COUNT):
        row, column, radius = [*rng.uniform(6, 18, 2).tolist(), rng.uniform(3, 7)]
        disc = (y - row) ** 2 + (x - column) ** 2 < radius**2
        found[number, ..., 0] = 140 - 5 * y + 90 * disc - 60 * (number % 2 == 0)
    return np.clip(found + rng.normal(0, 4, found.shape), 0, 255).astype(np.uint8)


def source(folder: Path, labels: np.ndarray | None = None, validation: bool = False) -> Split:
    """The images as a split in a folder; classes and origins are "dark" and "light".

    Args:
        folder: to write to.
        labels: class numbers in the place of the true ones.
        validation: every fourth pair of images chooses the epoch; else all train.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", images())
    number = np.arange(COUNT)
    origin = np.where(number % 2 == 0, "dark", "light")
    names = [f"image{row}" for row in number]
    table = pd.DataFrame({"fold": 0, "id": names, "row": number, "group": names})
    table["y"] = number % 2 if labels is None else labels
    table["split"] = np.where((number // 2 % 4 == 3) & validation, "val", "train")
    table["rank"] = number
    table = table.assign(patient=names, study="", image=names, origin=origin, label=origin, file="")
    table.to_csv(folder / "split.csv", index=False)
    classes = ["dark", "light"]
    info = SplitInfo(
        name="discs", set="discs", title="Discs", citation="", synthetic=True, stand_in=False, classes=classes,
        positive="", channels=1, has_patients=True, has_studies=False, cut=False, origins=classes, masks="",
        incomplete=[], folds=1, counts=[], tested=[], leaks={}, dropped=0, official_val_learnt=0, rows="", digest="",
    )  # fmt: skip
    return Split(folder, [folder], info)


def step_of(
    name: str, folder: Path, split: Split | None = None, progress: Any = silent, after_epoch: Any = None, **options: Any
) -> PretrainingStep:
    """A step of the small backbone, drawn with seed 0, as an objective gets it; keys in `options` replace the usual ones."""
    folder.mkdir(exist_ok=True)
    given = {"epochs": EPOCHS, "batch": 16, "learning_rate": 3e-3, **OWN.get(name, {}), **options}
    backbone = architecture.backbone(SMALL)
    weights.initialise(backbone, 0)
    trainer = Trainer(OBJECTIVES[name].options(**given), 0, folder, progress, after_epoch)
    return PretrainingStep(backbone, split or source(folder / "source"), trainer)


def learn(name: str, folder: Path, *args: Any, **options: Any) -> tuple[list[np.ndarray], dict[str, Any], pd.DataFrame]:
    """Learns such a step by its objective; returns the backbone's weights, facts and the log."""
    step = step_of(name, folder, *args, **options)
    facts = look_up({name: OBJECTIVES[name].function}, name, "objective")(step)
    return values_of(step.backbone), facts, pd.read_csv(folder / "log.csv")
