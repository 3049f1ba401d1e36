"""The keys of a recipe that say how a network learns."""

from typing import Literal

from pydantic import Field, field_validator

from indomain.errors import unknown
from indomain.toml import Table
from indomain.training.augmentation import AUGMENTATIONS


class LearningOptions(Table):
    """How a network learns; the keys that every objective of [pretrain], and [finetune], knows."""

    epochs: int = Field(default=10, ge=1)
    batch: int = Field(default=32, ge=1)
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # sgd
    augment: str = "none"  # a name in indomain.training.augmentation

    @field_validator("augment")
    @classmethod
    def _augmentation_exists(cls, value: str) -> str:
        if value not in AUGMENTATIONS:
            raise unknown("augmentation", value, AUGMENTATIONS)
        return value


class TrainingOptions(LearningOptions):
    """How a network learns from labels."""

    dropout: float = Field(default=0.5, ge=0, lt=1)  # before the head
    class_weights: Literal["balanced", "none"] = "balanced"
    select: Literal["best", "last"] = "best"  # the epoch with the least validation loss, or the last one
