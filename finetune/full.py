"""Fine-tuning: a new head on the chain's network, and every layer that is not frozen trained on the target."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from indomain.progress import Note
from indomain.training import classifier


def fit(
    backbone: keras.Model,
    table: pd.DataFrame,
    pictures: Callable,
    classes: int,
    options,
    seed: int,
    folder: Path,
    note: Note,
) -> tuple[keras.Model, dict[str, Any]]:
    """Trains in place; the best epoch by validation loss where there are validation images, else the last.

    The head's learning rate is `options.head_rate` times the others' (10 in the authors' code of Alzubaidi et al. 2021,
    which also freezes nothing).

    Returns:
        The network up to `logits`, and facts for the run's record.
    """
    return classifier.classify(backbone, table, pictures, classes, options, seed, folder, note, options.head_rate)
