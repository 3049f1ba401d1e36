"""The recipe's keys for how a network learns."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator

from indomain.errors import unknown
from indomain.toml import Table
from indomain.training.registry import AUGMENTATIONS

# Layer -> weight of the loss of a head on its maps, for deep supervision. The order has no meaning.
Auxiliary = Annotated[
    dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]],
    AfterValidator(lambda value: dict(sorted(value.items()))),
]


class LearningOptions(Table):
    """How a network learns: the keys that [finetune] and every objective of [pretrain] accept."""

    # Number of passes over the training images.
    epochs: int = Field(default=10, ge=1)
    # Images per batch.
    batch: int = Field(default=32, ge=1)
    # The optimizer: Adam with decoupled weight decay, Adam, or SGD with momentum. The papers' profile: "adam".
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    # Learning rate of the optimizer; with a schedule, the highest.
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    # Momentum of SGD; the others ignore it.
    momentum: float = Field(default=0.9, ge=0, lt=1)
    # Weight decay of AdamW, of kernels only; the others ignore it.
    weight_decay: float = Field(default=0.01, ge=0, allow_inf_nan=False)
    # How the learning rate falls after the warm-up: like half a cosine to 0 at the last step, or not at all. The papers'
    # profile: "constant".
    schedule: Literal["cosine", "constant"] = "cosine"
    # Share of the steps in which the learning rate rises from 0. The papers' profile: 0.
    warmup: float = Field(default=0.1, ge=0, lt=1)
    # Largest norm of all gradients together; longer ones are shortened. 0: none is. The papers' profile: 0.
    clip: float = Field(default=1.0, ge=0, allow_inf_nan=False)
    # The augmentation, a key of `indomain.training.registry.AUGMENTATIONS`.
    augment: str = "none"

    @classmethod
    def paper_defaults(cls) -> dict[str, Any]:
        """The papers train with a constant learning rate, and without anything that they do not mention."""
        return {"optimizer": "adam", "schedule": "constant", "warmup": 0.0, "clip": 0.0}

    @field_validator("augment")
    @classmethod
    def _augmentation_exists(cls, value: str) -> str:
        if value not in AUGMENTATIONS:
            raise unknown("augmentation", value, AUGMENTATIONS)
        return value


class TrainingOptions(LearningOptions):
    """How a network learns from labels."""

    # Share of the features dropped before the head while training. The papers' profile: 0.5.
    dropout: float = Field(default=0.0, ge=0, lt=1)
    # What a new head begins with. From zeros the first gradients shape the head alone, so that random ones do not disturb what
    # the network knows. The papers' profile: "glorot", drawn at random.
    head_init: Literal["zeros", "glorot"] = "zeros"
    # "balanced": weight each image inversely to the size of its class.
    class_weights: Literal["balanced", "none"] = "balanced"
    # The epoch whose weights are used: the one with the lowest validation loss, or the last.
    select: Literal["best", "last"] = "best"
    # Epochs without a lower validation loss after which the training stops; 0: it never does. The papers' profile: 0.
    patience: int = Field(default=10, ge=0)

    @classmethod
    def paper_defaults(cls) -> dict[str, Any]:
        """As for `LearningOptions`; a head drawn at random behind dropout, and no early stopping."""
        return {**super().paper_defaults(), "dropout": 0.5, "head_init": "glorot", "patience": 0}
