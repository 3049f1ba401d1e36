"""The keys of a recipe that describe targets, sources and splits."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from indomain.data.budget import LabelBudget
from indomain.data.manifest import LabelOptions
from indomain.toml import Table

Seed = Annotated[int, Field(ge=0, lt=2**31)]
# What an official split may be. Any other word is a published fold, and may be learnt from.
OFFICIAL = ("train", "val", "test")


@dataclass(frozen=True)
class Profile:
    """The protocol that a split follows.

    Args:
        name: "strict" groups by patient, holds out validation images and checks for leaks. "paper" is the protocol of the
            papers: a random split by image, without validation images; leaks are counted and kept.
        drop_leaks: under "strict", remove the training side of each leak instead of refusing to run.
    """

    name: str
    drop_leaks: bool = False

    @property
    def strict(self) -> bool:
        """Whether the split is grouped, validated and free of leaks."""
        return self.name == "strict"


class SplitOptions(Table):
    """How a target is split; see `indomain.data.folds`."""

    # "official": the data set's own test images; "published": the folds that its authors published; "holdout": random test
    # patients; "kfold": cross-validation.
    scheme: Literal["official", "published", "holdout", "kfold"] = "holdout"
    test: float = Field(default=0.2, gt=0, lt=1)  # holdout: share of the patients to test on, between 0 and 1
    validation: float = Field(default=0.2, gt=0, lt=1)  # share of the training patients used to choose the epoch
    folds: int = Field(default=1, ge=1)  # kfold: number of folds; holdout: number of repeated random splits
    repeats: int = Field(default=1, ge=1)  # kfold: how often the folds are drawn anew, such as 5 of 2 folds
    seed: Seed = 0  # seed of the random split
    grouped: bool = True  # whether all images of a patient stay on the same side of the split
    validated: bool = True  # whether to hold out validation images; the papers do not

    def identity(self) -> dict[str, Any]:
        """The keys as JSON, for the digest of a split; what is as usual is left out of it."""
        return self.model_dump(exclude={"repeats"} if self.repeats == 1 else None)


class DrawOptions(Table):
    """A random draw of the images that a set has."""

    images: int = Field(ge=2)  # the number of images to keep, of those that may be used; leaks are removed afterwards
    # Keep the images of this many classes only, drawn among those that are large enough, with as many images of each: sources
    # are then equal in images and in classes. Unset: images of any class, as they come.
    classes: int | None = Field(default=None, ge=2)
    seed: Seed = 0  # seed of the draw

    @model_validator(mode="after")
    def _an_image_a_class(self) -> "DrawOptions":
        if self.classes is not None and self.images < self.classes:
            raise ValueError(f"draw: {self.images} images cannot be of {self.classes} classes")
        return self


class SetOptions(Table):
    """The data, the classes to tell apart, and the images to use."""

    # A manifest's name or path with an optional subset ("mura/humerus", "my.toml:knee"), or a list of them to pool.
    set: str | Annotated[list[str], Field(min_length=1)]
    classes: dict[str, list[str]] = {}  # class = [labels merged into it], instead of the manifest's classes
    positive: str | None = None  # the positive class; by default the manifest's
    where: dict[str, list[str]] = {}  # column = [values to keep]; a value that starts with "!" is left out instead
    draw: DrawOptions | None = None  # use only some of these images, drawn at random
    # "n-clahe": each image is stretched to all grey values, then equalised piece by piece; see `indomain.data.images.contrast`.
    contrast: Literal["as it is", "n-clahe"] = "as it is"

    @property
    def sets(self) -> list[str]:
        """The sets, one or several."""
        return [self.set] if isinstance(self.set, str) else self.set

    @model_validator(mode="after")
    def _labels_fit(self) -> "SetOptions":
        LabelOptions.model_validate({"classes": self.classes, "positive": self.positive if self.classes else None})
        return self

    @property
    def labels(self) -> LabelOptions:
        """The classes and the positive class, in the form that manifests use."""
        return LabelOptions(classes=self.classes, positive=self.positive)

    def selection(self) -> dict[str, Any]:
        """The keys that decide which images and classes are used, as JSON; those that are not set are left out."""
        keys = self.model_dump(include={"set", "classes", "positive", "where"})
        return keys | ({"draw": self.draw.model_dump(exclude_none=True)} if self.draw else {})


class SourceOptions(SetOptions):
    """A data set to pretrain on: a whole set, a subset, or several pooled into one."""

    # The official splits to learn from; images without an official split are always used.
    use: list[Literal["train", "val", "test"]] = ["train"]
    validation: float = Field(default=0.1, ge=0, lt=1)  # strict profile: share of the patients used to choose the epoch


class MarkerOptions(Table):
    """A burnt-in marker that is correlated with the label during training; see `indomain.data.images.confounders`."""

    # Share of the positive images that carry the marker, and of the negative images that do not; 0.5: no correlation.
    share: float = Field(default=0.9, ge=0.5, le=1)
    seed: Seed = 0  # seed that decides which images carry it


class TargetOptions(SetOptions):
    """The data set to classify, and how it is split."""

    # "origin": the set of a pool, or the folder, that an image comes from is what is to be told: a control of confounding.
    label_by: Literal["label", "origin"] = "label"
    split: SplitOptions = SplitOptions()  # how the set is split
    paper_split: SplitOptions | None = None  # the split under the paper profile, where it differs
    fractions: list[float] = []  # label budgets: shares of the training labels, above 0 and up to 1
    shots: list[int] = []  # label budgets: training labels per class, 1 or more
    chains: list[str] = []  # which of the recipe's chains to run on this target; empty: all
    # Sources whose labelled images stand in for the target's labels, which adaptation does not read; see [fusion.adaptation].
    adapt_from: list[str] = []
    # Other sets, with the same classes, that networks and classifiers are tested on as they are; each has rows of its own.
    external: list[str] = []
    # Columns whose values name subgroups: "body_part", "view", "set", "origin", or a further column of the manifest (more).
    by: list[str] = []
    confounder: MarkerOptions | None = None  # a marker that is correlated with the label during training
    # "kept": leaks stay under the strict profile too, and are counted and reported, to measure what they are worth.
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

    def largest_budget(self) -> LabelBudget:
        """The one of `budgets` with the most labels."""
        return max(self.budgets(), key=lambda budget: (budget.is_whole, budget.size))

    def budgets(self) -> list[LabelBudget]:
        """The label budgets to run; a single one with all labels if the recipe names none."""
        fractions = [LabelBudget(fraction=fraction) for fraction in self.fractions]
        return [*fractions, *(LabelBudget(shots=shots) for shots in self.shots)] or [LabelBudget()]
