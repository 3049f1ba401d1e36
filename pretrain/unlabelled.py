"""What the objectives without labels have in common: every training image of the source, a head that is drawn and dropped."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from indomain import training
from indomain.batches import Batches
from indomain.listings import Listing
from indomain.progress import Note
from indomain.recipes import LearningOptions


def learn(
    trainee: training.Trainee,
    backbone: keras.Model,
    listing: Listing,
    options: LearningOptions,
    seed: int,
    folder: Path,
    note: Note,
    measure: Callable[[], dict[str, float]] | None,
) -> dict[str, Any]:
    """Draws every weight that is not the backbone's, trains on all training images; returns facts for the run's record."""
    own = {id(layer) for layer in backbone.layers}
    head = [layer.name for layer in trainee.network.layers if id(layer) not in own and layer.weights]
    training.initialise_head(trainee, seed, tuple(head))
    training.reset(trainee, options.learning_rate, seed)
    table = listing.table()
    rows = table.loc[table["split"] == "train", "row"].to_numpy()
    batches = Batches(listing.pictures(backbone.input_shape[-1]), rows, batch=options.batch, seed=seed)
    log = training.fit(trainee, batches, None, options, folder, note, measure=measure)
    return training.facts(log, len(rows))


def key(name: str, options: LearningOptions) -> tuple[str, str]:
    """What a compiled trainee of this objective is kept under: all options but those that `reset` sets."""
    return name, options.model_dump_json(exclude={"epochs", "learning_rate", "batch"})
