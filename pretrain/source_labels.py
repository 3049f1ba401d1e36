"""Source labels: which of the joined data sets, or which folder, did an image come from?

A free label that many pooled collections have (set, hospital, magnification). What it teaches may be the camera rather
than the disease: the comparison with the others will tell. The log's `accuracy` tells whether it learns.
"""

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
    """Trains `backbone` in place on the origins of the listing's images; returns facts for the run's record."""
    table, origins = listing.table(), listing.facts["origins"]
    table["y"] = [origins.index(origin) for origin in table["origin"]]
    pictures = listing.pictures(backbone.input_shape[-1])
    return training.classify(backbone, table, pictures, len(origins), options, seed, folder, note, measure=measure)[1]
