"""A lesson: what an objective is given, whatever the objective."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import keras

from indomain.data.split import Listing
from indomain.progress import Note
from indomain.training.options import LearningOptions

Options = TypeVar("Options", bound=LearningOptions)


@dataclass(frozen=True)
class Lesson(Generic[Options]):
    """One step of a chain.

    Attributes:
        backbone: image (N, rows, columns, channels), 0–255, to features (N, d); filled as the step before left it.
        listing: the source's images. options: the objective's own. seed: of everything that is drawn.
        folder: where log and state are kept. note: is told of the progress.
        measure: called after each epoch; what it returns stands in the log, and chooses nothing.
    """

    backbone: keras.Model
    listing: Listing
    options: Options
    seed: int
    folder: Path
    note: Note
    measure: Callable[[], dict[str, float]] | None = None
