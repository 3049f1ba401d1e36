"""A step of a chain as an objective gets it, regardless of the objective."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from indomain.data.split import Split
from indomain.training.trainer import Trainer


@dataclass(frozen=True)
class PretrainingStep:
    """One step of a chain.

    Attributes:
        backbone: image (N, rows, columns, channels), 0–255, to features (N, d); filled as the step before left it, and
            trained in place.
        split: the source's.
        trainer: knows the objective's options, the seed, the folder, and what is logged after each epoch.
    """

    backbone: keras.Model
    split: Split
    trainer: Trainer

    @property
    def options(self) -> Any:
        """The objective's own."""
        return self.trainer.options

    def images(self) -> Any:
        """The source's images by row, with the channels that the backbone takes."""
        return self.split.images(self.backbone.input_shape[-1])

    def training_rows(self) -> np.ndarray:
        """int (n,): the rows of the training images."""
        table = self.split.table()
        return table.loc[table["split"] == "train", "row"].to_numpy()
