"""A recipe: one experiment as a TOML file. What the stages share stands here; each stage checks its own table.

title = "..."
size = 64
backbones = ["squeezenet", { name = "dcnn", width = 0.25 }]
[targets.humerus]            # the small labelled set
set = "mura/humerus"
[sources.others]             # what a chain's steps learn from
set = "mura/all-but-humerus"
[chains]                     # how a network came to be
random = ["random"]
imagenet-in-domain = ["imagenet", "others:supervised"]
[pretrain] [finetune] [fusion] [explain] [report]     # the stages' own options
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from indomain import manifests
from indomain.augment import AUGMENTATIONS
from indomain.backbones import BACKBONES, IMAGENET, LEAST_WIDTH, OWN_SIZE
from indomain.errors import RequestError, unknown
from indomain.manifests import FileName, LabelOptions
from indomain.schema import Table, read_toml, validated

STAGES = ("pretrain", "finetune", "fusion", "explain", "report")
PROFILES = ("strict", "paper")
Pixels = Annotated[int, Field(ge=8, le=4096)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
WEIGHT_SUFFIXES = (".keras", ".h5")


class SplitOptions(Table):
    """How a target is split; see `indomain.splits`."""

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


class Confounder(Table):
    """A burnt-in mark that goes with the label while a network learns; see `indomain.confounders`."""

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
    confounder: Confounder | None = None
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

    def budgets(self) -> list[dict[str, float]]:
        """The label budgets to run: {} for all labels, {"fraction": f} or {"shots": k}."""
        given = [{"fraction": share} for share in self.fractions] + [{"shots": shots} for shots in self.shots]
        return given or [{}]


class BackboneOptions(Table):
    name: str
    width: float = Field(default=1.0, ge=LEAST_WIDTH, le=4)  # multiplies the filters of `dcnn` and `dcnn-light`
    # Side of the square that the network resizes pictures to, in pixels; "own": what it was trained on; none: as they are.
    size: Annotated[int, Field(ge=8, le=1024)] | Literal["own"] | None = None
    chains: list[str] = []  # those of a target's chains that it runs; empty: all

    @property
    def label(self) -> str:
        width = "" if self.width == 1 else f"-w{self.width:g}"
        return f"{self.name}{width}{f'-{self.size}px' if isinstance(self.size, int) else ''}"

    @property
    def side(self) -> int | None:
        """The side in pixels, whatever the word."""
        return OWN_SIZE[self.name] if self.size == "own" else self.size


class LearningOptions(Table):
    """How a network learns; the keys that every objective of [pretrain], and [finetune], knows."""

    epochs: int = Field(default=10, ge=1)
    batch: int = Field(default=32, ge=1)
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    momentum: float = Field(default=0.9, ge=0, lt=1)  # sgd
    augment: str = "none"  # a name in indomain.augment

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


class ComputeOptions(Table):
    """[compute]: how networks are computed. Part of a run's identity, for its numbers depend on it; see docs/scale.md."""

    precision: Literal["float32", "bfloat16"] = "float32"  # bfloat16: 16-bit arithmetic, 32-bit weights
    deterministic: bool = False  # only operations that give the same bits every time
    devices: Literal["one", "all"] = "one"  # all: one network learns on every GPU of the machine, data-parallel


class Recipe(Table):
    """One experiment. The stages' tables are checked by the stages."""

    title: str
    paper: str = ""
    claim: str = ""  # what the paper says, in a sentence
    notes: str = ""
    differs: list[str] = []  # what is not as in the paper
    profiles: list[Literal["strict", "paper"]] = Field(default=["strict"], min_length=1)
    size: Pixels | tuple[Pixels, Pixels] = 64
    channels: Literal["auto", "grey", "rgb"] = "auto"  # auto: as the target is
    seeds: list[Seed] = Field(default=[0], min_length=1)
    drop_leaks: bool = False
    compute: ComputeOptions = ComputeOptions()
    backbones: list[BackboneOptions] = Field(min_length=1)
    targets: dict[FileName, TargetOptions] = Field(min_length=1)
    sources: dict[str, SourceOptions] = {}
    chains: dict[str, list[str]] = Field(min_length=1)
    pretrain: dict[str, Any] = {}
    finetune: dict[str, Any] = {}
    fusion: dict[str, Any] = {}
    explain: dict[str, Any] = {}
    report: dict[str, Any] = {}

    @field_validator("backbones", mode="before")
    @classmethod
    def _words_are_names(cls, value: Any) -> Any:
        return (
            [{"name": item} if isinstance(item, str) else item for item in value] if isinstance(value, list) else value
        )

    @field_validator("seeds")
    @classmethod
    def _different(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value):
            raise ValueError("the same seed stands twice")
        return value

    @model_validator(mode="after")
    def _names_resolve(self) -> "Recipe":
        for backbone in self.backbones:
            if backbone.name not in BACKBONES:
                raise unknown("backbone", backbone.name, BACKBONES)
        labels = [backbone.label for backbone in self.backbones]
        if len(set(labels)) < len(labels):
            raise ValueError("the same backbone stands twice")
        for name, chain in self.chains.items():
            _check_chain(name, chain, self.sources)
        for name, target in self.targets.items():
            for asked in target.chains:
                if asked not in self.chains:
                    raise unknown("chain", asked, self.chains, f"targets.{name}.chains")
        for backbone in self.backbones:
            for asked in backbone.chains:
                if asked not in self.chains:
                    raise unknown("chain", asked, self.chains, f"backbones: {backbone.label}")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the pictures."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def target(self, name: str, profile: str) -> TargetOptions:
        """A target as a profile splits it."""
        options = self.targets[name]
        if profile != "paper":
            return options
        return options.model_copy(update={"split": options.paper_split or options.split})

    def arms(self, target: str, profile: str) -> list[tuple[BackboneOptions, str, list[str]]]:
        """The pairs of backbone and chain that a target runs: backbone, the chain's name, its steps."""
        pairs = self._asked(target, profile)
        return [(b, name, chain) for b, name, chain in pairs if chain[0] != "imagenet" or b.name in IMAGENET]

    def missing_arms(self, target: str, profile: str) -> list[tuple[BackboneOptions, str]]:
        """Pairs that cannot exist, because nobody has trained that backbone on ImageNet."""
        there = self.arms(target, profile)
        return [(pair[0], pair[1]) for pair in self._asked(target, profile) if pair not in there]

    def _asked(self, target: str, profile: str) -> list[tuple[BackboneOptions, str, list[str]]]:
        chains = self.chains_of(target, profile).items()
        pairs = [(backbone, name, chain) for backbone in self.backbones for name, chain in chains]
        return [(b, name, chain) for b, name, chain in pairs if not b.chains or name in b.chains]

    def chains_of(self, target: str, profile: str) -> dict[str, list[str]]:
        """The chains that a target runs."""
        chosen = self.target(target, profile).chains
        return {name: self.chains[name] for name in chosen} if chosen else self.chains

    def sources_of(self, target: str, profile: str) -> list[str]:
        """The sources that a target's chains learn from."""
        steps = [step for chain in self.chains_of(target, profile).values() for step in chain[1:]]
        return sorted({step.partition(":")[0] for step in steps})


def _check_chain(name: str, chain: list[str], sources: dict[str, SourceOptions]) -> None:
    if not chain:
        raise ValueError(f'chain {name!r} is empty; from scratch is ["random"]')
    start = chain[0]
    if start not in ("random", "imagenet") and not start.endswith(WEIGHT_SUFFIXES):
        raise unknown("start of a chain", start, ["random", "imagenet", "PATH.keras"], f"chains.{name}")
    for step in chain[1:]:
        source, colon, objective = step.partition(":")
        if not colon or not objective:
            raise ValueError(f'chain {name!r}: a step reads "source:objective", such as "isic:simclr", not {step!r}')
        if source not in sources:
            raise unknown("source", source, sources, f"chains.{name}")


def names() -> list[str]:
    """The shipped recipes: `quickstart`, `mini/skin` ..."""
    top = manifests.shipped("recipes")
    found = [path for path in top.rglob("*.toml") if path.name != "reported.toml"]
    return sorted(path.relative_to(top).with_suffix("").as_posix() for path in found)


def load(reference: str, settings: list[str] | None = None, profile: str | None = None) -> tuple[str, Recipe, Path]:
    """The recipe that a shipped name or a path means.

    Args:
        settings: `key=value` strings that replace keys (`finetune.epochs=3`); values are TOML, or else plain words.
        profile: replaces the recipe's profiles.

    Returns:
        Its name (what its results folder is called), the recipe, and the folder that its relative paths start from.

    Raises:
        RequestError: there is no such recipe, or something in it is wrong.
    """
    path = Path(reference)
    if path.suffix != ".toml":
        path = manifests.shipped("recipes") / f"{reference}.toml"
        name = reference
        if not path.is_file():
            raise unknown("recipe", reference, names())
    else:
        name = path.stem
        if not path.is_file():
            raise RequestError(f"no recipe {path}. Shipped ones: {', '.join(names())}.")
    if name.partition("/")[0] == "work":
        raise RequestError(
            f"{path}: a recipe cannot be called 'work': the runs folder keeps its runs there. Rename it."
        )
    data = read_toml(path)
    for setting in settings or []:
        _set(data, setting)
    if profile:
        data["profiles"] = [profile]
    return name, validated(Recipe, data, str(path)), path.parent


def _set(data: dict[str, Any], setting: str) -> None:
    import tomllib

    key, equals, text = setting.partition("=")
    if not equals:
        raise RequestError(f"--set {setting}: expected key=value, such as finetune.epochs=3.")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    table = data
    *path, last = key.strip().split(".")
    for part in path:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise RequestError(f"--set {setting}: {part!r} is no table.")
    table[last] = value
