"""Learning classes: a linear head on a backbone, cross-entropy, every class or cluster with a weight."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain.networks import architecture, cache, inference
from indomain.progress import Note
from indomain.training import model, trainer
from indomain.training.batches import Batches
from indomain.training.options import LearningOptions, TrainingOptions


def classifier(
    backbone: keras.Model, classes: int, options: LearningOptions, dropout: float, head_rate: float = 1.0
) -> model.Trainee:
    """`backbone` with a linear head `logits`, to be trained with cross-entropy; built and compiled once."""
    own = options.model_dump_json(include={"optimizer", "momentum", "augment"})

    def make() -> model.Trainee:
        network = architecture.with_head(backbone, classes, dropout)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return model.compiled(
            model.Trainee(network, options.augment),
            options,
            {"logits": head_rate},
            loss=loss,
            weighted_metrics=["accuracy"],
        )

    return cache.cached_for(backbone, ("classifier", classes, dropout, head_rate, own), make)


def classify(
    backbone: keras.Model,
    table: Any,
    pictures: Callable[[np.ndarray], np.ndarray],
    classes: int,
    options: TrainingOptions,
    seed: int,
    folder: Path,
    note: Note,
    head_rate: float = 1.0,
    measure: Callable[[], dict[str, float]] | None = None,
) -> tuple[keras.Model, dict[str, Any]]:
    """Puts a new linear head on `backbone` and trains both with cross-entropy on the rows of a split table.

    Args:
        backbone: filled with its starting weights; changed in place.
        table: `row`, `y` and `split`; train learns, val (if any) chooses the epoch.
        head_rate: factor on the head's learning rate (10 in Alzubaidi et al. 2021).
        measure: called after each epoch; what it returns stands in the log, and chooses nothing.

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    trainee = classifier(backbone, classes, options, options.dropout, head_rate)
    model.initialise_head(trainee, seed, ("logits",))
    model.reset(trainee, options.learning_rate, seed)
    parts = {name: table[table["split"] == name] for name in ("train", "val")}
    rows, y = parts["train"]["row"].to_numpy(), parts["train"]["y"].to_numpy()
    train = Batches(pictures, rows, y, class_weights(y, classes, options.class_weights), options.batch, seed)
    val = parts["val"]
    validation = None
    if len(val):
        weights = class_weights(val["y"].to_numpy(), classes, options.class_weights)
        validation = Batches(
            pictures, val["row"].to_numpy(), val["y"].to_numpy(), weights, max(options.batch, inference.BATCH)
        )
    log = trainer.fit(trainee, train, validation, options, folder, note, measure=measure)
    return trainee.network, trainer.facts(log, len(rows))


def class_weights(y: np.ndarray, classes: int, kind: str) -> np.ndarray | None:
    """One weight a row, n / (classes · n of its class) for "balanced" (King & Zeng 2001; scikit-learn's rule)."""
    if kind == "none":
        return None
    counts = np.bincount(y, minlength=classes)
    return (len(y) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[y]
