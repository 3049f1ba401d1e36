"""A recipe: one experiment as a TOML file. Holds the keys that all stages share; each stage validates its own table.

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

from indomain import files
from indomain.backend import ComputeOptions
from indomain.data.manifest import FileName
from indomain.data.options import Seed, SourceOptions, TargetOptions
from indomain.errors import RequestError, unknown
from indomain.networks.backbones import BACKBONES, IMAGENET
from indomain.networks.options import BackboneOptions
from indomain.recipe.chain import Arm, Chain
from indomain.toml import Table, read_toml, validated

Pixels = Annotated[int, Field(ge=8, le=4096)]


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
            Chain.parsed(name, chain, self.sources)
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
        """(rows, columns) of the images."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def target(self, name: str, profile: str) -> TargetOptions:
        """A target as a profile splits it."""
        options = self.targets[name]
        if profile != "paper":
            return options
        return options.model_copy(update={"split": options.paper_split or options.split})

    def chain(self, name: str) -> Chain:
        """A chain by its name."""
        return Chain.parsed(name, self.chains[name], self.sources)

    def chains_of(self, target: str) -> list[Chain]:
        """The chains that a target runs."""
        return [self.chain(name) for name in self.targets[target].chains or self.chains]

    def arms(self, target: str) -> list[Arm]:
        """The pairs of backbone and chain that a target runs."""
        return [arm for arm in self._named_arms(target) if arm.chain.exists_for(arm.backbone, IMAGENET)]

    def missing_arms(self, target: str) -> list[Arm]:
        """Pairs that cannot exist, because nobody has trained that backbone on ImageNet."""
        return [arm for arm in self._named_arms(target) if not arm.chain.exists_for(arm.backbone, IMAGENET)]

    def _named_arms(self, target: str) -> list[Arm]:
        pairs = [Arm(backbone, chain) for backbone in self.backbones for chain in self.chains_of(target)]
        return [arm for arm in pairs if not arm.backbone.chains or arm.chain.name in arm.backbone.chains]

    def sources_of(self, target: str) -> set[str]:
        """The sources that a target's chains learn from."""
        return {step.source for chain in self.chains_of(target) for step in chain.steps}


def recipe_names() -> list[str]:
    """The shipped recipes: `quickstart`, `mini/skin` ..."""
    top = files.shipped("recipes")
    found = [path for path in top.rglob("*.toml") if path.name != "reported.toml"]
    return sorted(path.relative_to(top).with_suffix("").as_posix() for path in found)


def load_recipe(
    reference: str, settings: list[str] | None = None, profile: str | None = None
) -> tuple[str, Recipe, Path]:
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
        path = files.shipped("recipes") / f"{reference}.toml"
        name = reference
        if not path.is_file():
            raise unknown("recipe", reference, recipe_names())
    else:
        name = path.stem
        if not path.is_file():
            raise RequestError(f"no recipe {path}. Shipped ones: {', '.join(recipe_names())}.")
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
