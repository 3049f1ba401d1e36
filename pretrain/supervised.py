"""Learning from a source's labels: a linear head on the backbone, cross-entropy; the head is thrown away afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

from indomain import training
from indomain.listings import Listing
from indomain.progress import Note
from indomain.recipes import TrainingOptions


def pretrain(
    backbone: keras.Model,
    listing: Listing,
    options: TrainingOptions,
    seed: int,
    folder: Path,
    note: Note,
    measure: Callable[[], dict[str, float]] | None = None,
) -> dict[str, Any]:
    """Trains `backbone` in place on the listing's classes.

    With validation images (the strict profile) the epoch of the least validation loss is kept, else the last.

    Returns:
        Facts for the run's record: images seen, the chosen epoch, images a second.
    """
    return training.classify(
        backbone,
        listing.table(),
        listing.pictures(backbone.input_shape[-1]),
        len(listing.facts["classes"]),
        options,
        seed,
        folder,
        note,
        measure=measure,
    )[1]
