"""A step of a chain, as every objective receives it."""

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
        backbone: images (n, rows, columns, channels), 0–255, to features (n, d); has the weights of the previous step, and
            is trained in place.
        split: the source's.
        trainer: has the objective's options, the seed, the folder, and what is logged after each epoch.
    """

    backbone: keras.Model
    split: Split
    trainer: Trainer

    @property
    def options(self) -> Any:
        """The options of the objective."""
        return self.trainer.options

    def images(self) -> Any:
        """The source's images by row, with as many channels as the backbone expects."""
        return self.split.images(self.backbone.input_shape[-1])

    def training_rows(self) -> np.ndarray:
        """int (n,): the rows of the training images."""
        table = self.split.table()
        return table.loc[table["split"] == "train", "row"].to_numpy()
