"""The recipe's keys for how a network learns."""

from typing import Literal

from pydantic import Field, field_validator

from indomain.errors import unknown
from indomain.toml import Table
from indomain.training.registry import AUGMENTATIONS


class LearningOptions(Table):
    """How a network learns: the keys that [finetune] and every objective of [pretrain] accept."""

    # Number of passes over the training images.
    epochs: int = Field(default=10, ge=1)
    # Images per batch.
    batch: int = Field(default=32, ge=1)
    # The optimizer: Adam, or SGD with momentum.
    optimizer: Literal["adam", "sgd"] = "adam"
    # Learning rate of the optimizer.
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    # Momentum of SGD; Adam ignores it.
    momentum: float = Field(default=0.9, ge=0, lt=1)
    # The augmentation, a key of `indomain.training.registry.AUGMENTATIONS`.
    augment: str = "none"

    @field_validator("augment")
    @classmethod
    def _augmentation_exists(cls, value: str) -> str:
        if value not in AUGMENTATIONS:
            raise unknown("augmentation", value, AUGMENTATIONS)
        return value


class TrainingOptions(LearningOptions):
    """How a network learns from labels."""

    # Share of the features dropped before the head while training.
    dropout: float = Field(default=0.5, ge=0, lt=1)
    # "balanced": weight each image inversely to the size of its class.
    class_weights: Literal["balanced", "none"] = "balanced"
    # The epoch whose weights are used: the one with the lowest validation loss, or the last.
    select: Literal["best", "last"] = "best"
