"""The keys of a recipe that describe targets, sources and splits."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from indomain.data.budget import LabelBudget
from indomain.data.manifest import LabelOptions
from indomain.toml import Table

Seed = Annotated[int, Field(ge=0, lt=2**31)]


@dataclass(frozen=True)
class Profile:
    """The protocol that a split follows.

    Args:
        name: "strict" groups by patient, holds validation images out and checks for leaks; "paper" is the papers' own
            protocol: a random split by image without validation images, leaks counted and kept.
        drop_leaks: under "strict", remove the training side of a leak instead of refusing to run.
    """

    name: str
    drop_leaks: bool = False

    @property
    def strict(self) -> bool:
        return self.name == "strict"


class SplitOptions(Table):
    """How a target is split; see `indomain.data.folds`."""

    scheme: Literal["official", "holdout", "kfold"] = "holdout"
    test: float = Field(default=0.2, gt=0, lt=1)  # holdout: share of patients to test on
    validation: float = Field(default=0.2, gt=0, lt=1)  # share of the training patients that choose the epoch
    folds: int = Field(default=1, ge=1)  # kfold: number of folds; holdout: number of repeated random splits
    seed: Seed = 0
    grouped: bool = True
    validated: bool = True  # false: no validation images, as in the papers


class SetOptions(Table):
    """The classes to tell apart, and which images."""

    classes: dict[str, list[str]] = {}
    positive: str | None = None
    where: dict[str, list[str]] = {}

    @model_validator(mode="after")
    def _labels_fit(self) -> "SetOptions":
        LabelOptions.model_validate({"classes": self.classes, "positive": self.positive if self.classes else None})
        return self

    @property
    def labels(self) -> LabelOptions:
        return LabelOptions(classes=self.classes, positive=self.positive)


class SourceOptions(SetOptions):
    """A data set to learn from, a part of one, or several joined into one."""

    set: str | Annotated[list[str], Field(min_length=1)]
    use: list[Literal["train", "val", "test"]] = [
        "train"
    ]  # of the official splits; images without a split always count
    validation: float = Field(default=0.1, ge=0, lt=1)  # share of the patients that choose the epoch (strict profile)


class MarkerOptions(Table):
    """A burnt-in marker that goes with the label while a network learns; see `indomain.data.images.confounders`."""

    share: float = Field(
        default=0.9, ge=0.5, le=1
    )  # of the positive images that carry it, and of the others that do not
    seed: Seed = 0


class TargetOptions(SetOptions):
    """The data set to tell classes apart in, and how it is split."""

    set: str  # a manifest's name or path, and a subset: "mura/humerus", "my.toml:knee"
    split: SplitOptions = SplitOptions()
    paper_split: SplitOptions | None = None  # the paper profile's split, where it differs
    fractions: list[float] = []  # shares of the training labels
    shots: list[int] = []  # training labels for each class
    chains: list[str] = []  # those of the recipe's chains to run; empty: all
    confounder: MarkerOptions | None = None
    # "kept": leaks stay under the strict profile as well, and are counted and said: to show what they are worth.
    leaks: Literal["refused", "kept"] = "refused"

    @field_validator("fractions")
    @classmethod
    def _shares(cls, value: list[float]) -> list[float]:
        if any(not 0 < share <= 1 for share in value):
            raise ValueError("label fractions lie above 0 and up to 1")
        return value

    @field_validator("shots")
    @classmethod
    def _whole(cls, value: list[int]) -> list[int]:
        if any(shots < 1 for shots in value):
            raise ValueError("shots for each class are 1 or more")
        return value

    def budgets(self) -> list[LabelBudget]:
        """The label budgets to run; all labels if the recipe names none."""
        fractions = [LabelBudget(fraction=fraction) for fraction in self.fractions]
        return [*fractions, *(LabelBudget(shots=shots) for shots in self.shots)] or [LabelBudget()]
