"""How long players learn, and from what: a number of steps, whatever the number of images."""

from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd

from indomain.progress import Progress
from indomain.training import model as training_model
from indomain.training.batches import Batches
from indomain.training.model import TrainingModel
from indomain.training.trainer import Trainer
from synthesis.options import PlayersOptions

STEPS_OF_EPOCH = 100  # a set of forty images is passed so often that an epoch has as many steps

Images = Callable[[np.ndarray], np.ndarray]


def steps_of_epoch(count: int, options: PlayersOptions) -> int:
    """The number of steps of an epoch, in which each image is seen once at least.

    Args:
        count: number of images.
        options: number of steps, and images of a batch.
    """
    return min(max(STEPS_OF_EPOCH, ceil(count / min(options.batch, count))), options.steps)


def trained(
    model: TrainingModel,
    images: Images,
    rows: np.ndarray,
    y: np.ndarray | None,
    options: PlayersOptions,
    seed: int,
    folder: Path,
    progress: Progress,
) -> dict[str, float]:
    """Lets players learn, whose weights are drawn; returns facts of the training.

    Args:
        model: the players.
        images: returns the images for an array of rows.
        rows: int (n,), the rows to learn from.
        y: int (n,), their classes, where these are told.
        options: number of steps, batch and learning rate.
        seed: of their order and of everything random.
        folder: where the log and the state of an unfinished training are kept.
        progress: called once an epoch.

    Raises:
        Diverged: a loss is not finite.
    """
    training_model.reset(model, options.learning_rate, seed % 2**31)
    batch, of_epoch = min(options.batch, len(rows)), steps_of_epoch(len(rows), options)
    order = np.resize(np.random.default_rng(seed).permutation(len(rows)), of_epoch * batch)
    batches = Batches(images, rows[order], None if y is None else y[order], None, batch, seed)
    learning = options.model_copy(update={"epochs": ceil(options.steps / of_epoch), "batch": batch})
    facts = Trainer(learning, seed, folder, progress).fit(model, batches)
    log = pd.read_csv(folder / "log.csv")
    last = log["discriminator_accuracy"].tail(max(len(log) // 10, 1)).mean()
    return {
        "steps": learning.epochs * of_epoch,
        "images_per_second": facts["images_per_second"],
        "discriminator_accuracy": float(last),
    }
