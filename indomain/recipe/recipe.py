"""A recipe: one experiment as a TOML file. Holds the keys that all stages share; each stage validates its own table.

title = "..."
size = 64
backbones = ["squeezenet", { name = "dcnn", width = 0.25 }]
[baseline]                   # frozen ImageNet networks, fused: the row to beat
[targets.humerus]            # the small labelled set
set = "mura/humerus"
[sources.others]             # what the steps of a chain learn from
set = "mura/all-but-humerus"
[chains]                     # initial weights, then pretraining steps
random = ["random"]
imagenet-in-domain = ["imagenet", "others:supervised"]
[pretrain] [synthesis] [finetune] [fusion] [explain] [transferability] [report]     # the options of each stage
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from indomain import files
from indomain.artifacts import exported
from indomain.backend import ComputeOptions
from indomain.data.manifest import FileName
from indomain.data.options import Seed, SourceOptions, TargetOptions
from indomain.errors import RequestError, unknown
from indomain.networks import weights_manifest
from indomain.networks.backbones import IMAGENET
from indomain.networks.options import BackboneOptions, Backbones
from indomain.recipe.chain import Arm, Chain, expanded, with_chains
from indomain.toml import Table, read_toml, validated

Pixels = Annotated[int, Field(ge=8, le=4096)]
BASELINE = "imagenet-frozen"  # the chain of the baseline's rows


class BaselineOptions(Table):
    """[baseline]: the bar, under the strict profile: ImageNet networks, frozen, and a logistic regression on their features.

    Each network has a row of its own, and all of them fused have one. It takes minutes, and reaches what a careful script
    reaches; a chain that does not beat it was not worth its training. Targets with a confounder have none.
    """

    # The networks, by name or as a table; []: no baseline.
    backbones: Backbones = Field(
        default=[
            {"name": "efficientnet-lite0", "size": 224},
            {"name": "efficientnet-lite2", "size": 224},
            {"name": "squeezenet", "size": 128},
        ],
        validate_default=True,
    )

    @field_validator("backbones")
    @classmethod
    def _have_imagenet_weights(cls, value: list[BackboneOptions]) -> list[BackboneOptions]:
        for backbone in value:
            if backbone.name not in IMAGENET:
                raise unknown("backbone with ImageNet weights", backbone.name, IMAGENET)
            if backbone.chains or backbone.strategies or backbone.learning_rate:
                raise ValueError(
                    f"{backbone.name}: chains, strategies and learning_rate have no meaning here, the baseline is frozen"
                )
        return value


class Recipe(Table):
    """One experiment. The tables of the stages are validated by the stages."""

    # The recipe's title, as the report prints it.
    title: str
    # The paper whose experiment this is.
    paper: str = ""
    # What the paper claims, in one sentence.
    claim: str = ""
    # Remarks for the reader.
    notes: str = ""
    # How the recipe differs from the paper.
    differs: list[str] = []
    # The protocols to run: "strict", or the papers' own.
    profiles: list[Literal["strict", "paper"]] = Field(default=["strict"], min_length=1)
    # Side of the images in pixels, or (rows, columns).
    size: Pixels | tuple[Pixels, Pixels] = 64
    # Colour channels of the images; "auto": those of the target.
    channels: Literal["auto", "grey", "rgb"] = "auto"
    # One repetition of the experiment per seed.
    seeds: list[Seed] = Field(default=[0], min_length=1)
    # Under "strict": remove the training side of a leak instead of refusing to run.
    drop_leaks: bool = False
    # How networks are computed.
    compute: ComputeOptions = ComputeOptions()
    # The backbones, by name or as a table; [] if all chains start from features files.
    backbones: Backbones
    # The row that every chain has to beat.
    baseline: BaselineOptions = BaselineOptions()
    # Name -> the small labelled set that the networks are evaluated on.
    targets: dict[FileName, TargetOptions] = Field(min_length=1)
    # Name -> a set that the steps of a chain learn from.
    sources: dict[str, SourceOptions] = {}
    # Name -> the initial weights ("random", "imagenet", "PATH.keras", "weights:NAME", "model:NAME"), then "source:objective" for
    # each step; or "features:PATH.npz" alone. With "{source}" in it, one chain for each source, by that name:
    # "{source}-labels" = ["random", "{source}:supervised"].
    chains: dict[str, list[str]] = Field(min_length=1)
    # Options of stage 1, pretraining; validated by `pretrain`.
    pretrain: dict[str, Any] = {}
    # Options of synthesis, between pretraining and fine-tuning; validated by `synthesis`.
    synthesis: dict[str, Any] = {}
    # Options of stage 2, fine-tuning; validated by `finetune`.
    finetune: dict[str, Any] = {}
    # Options of stage 3, fusion; validated by `fusion`.
    fusion: dict[str, Any] = {}
    # Options of stage 4, explanations and robustness; validated by `explain`.
    explain: dict[str, Any] = {}
    # Options of stage 5, measures that claim to foretell which chain helps; validated by `transferability`.
    transferability: dict[str, Any] = {}
    # Options of stage 6, the report; validated by `report`.
    report: dict[str, Any] = {}
    # The folder that its relative paths start from.
    _base: Path = PrivateAttr(default=Path())

    @model_validator(mode="before")
    @classmethod
    def _one_chain_for_each_source(cls, data: Any) -> Any:
        """Writes chains with "{source}" out, also where targets and backbones name them."""
        if not isinstance(data, dict) or not isinstance(data.get("chains"), dict):
            return data
        sources = list(data.get("sources") or {})
        data = {**data, "chains": expanded(data["chains"], sources)}
        for where in ("targets", "backbones"):
            tables = data.get(where)
            if isinstance(tables, dict):
                data[where] = {name: with_chains(table, sources) for name, table in tables.items()}
            elif isinstance(tables, list):
                data[where] = [with_chains(table, sources) for table in tables]
        return data

    @field_validator("seeds")
    @classmethod
    def _different(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value):
            raise ValueError("a seed is listed twice")
        return value

    @model_validator(mode="after")
    def _names_resolve(self) -> "Recipe":
        if BASELINE in self.chains:
            raise ValueError(f"chains.{BASELINE}: the baseline's rows have this name; choose another")
        parsed = {name: Chain.parsed(name, chain, self.sources) for name, chain in self.chains.items()}
        if not self.backbones and not all(chain.features for chain in parsed.values()):
            raise ValueError("backbones is empty, and a chain needs one; only chains that start from features do not")
        for name, target in self.targets.items():
            for chain_name in target.chains:
                if chain_name not in self.chains:
                    raise unknown("chain", chain_name, self.chains, f"targets.{name}.chains")
            for source in target.adapt_from:
                if source not in self.sources:
                    raise unknown("source", source, self.sources, f"targets.{name}.adapt_from")
            if target.adapt_from and target.confounder:
                raise ValueError(
                    f"targets.{name}: adapt_from and confounder exclude each other: adaptation reads the features of images "
                    "without the marker"
                )
        for backbone in self.backbones:
            for chain_name in backbone.chains:
                if chain_name not in self.chains:
                    raise unknown("chain", chain_name, self.chains, f"backbones: {backbone.label}")
                if parsed[chain_name].features:
                    raise ValueError(f"backbones: {backbone.label}: no backbone runs {chain_name!r}, a features file")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the images."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size

    def target(self, name: str, profile: str) -> TargetOptions:
        """A target with the split that a profile uses.

        Args:
            name: the target's name.
            profile: "strict" or "paper".
        """
        options = self.targets[name]
        if profile != "paper":
            return options
        return options.model_copy(update={"split": options.paper_split or options.split})

    def chain(self, name: str) -> Chain:
        """A chain by name, with the weights manifest or the exported model that it starts from.

        Raises:
            RequestError: there is no such manifest or model, or it is wrong.
        """
        chain = Chain.parsed(name, self.chains[name], self.sources)
        if chain.start.startswith(weights_manifest.PREFIX):
            return replace(chain, weights=weights_manifest.load(chain.start, self._base))
        if chain.start.startswith(exported.PREFIX):
            return replace(chain, model=exported.opened(chain.start.removeprefix(exported.PREFIX), self._base))
        return chain

    def chains_of(self, target: str) -> list[Chain]:
        """The chains that a target runs."""
        return [self.chain(name) for name in self.targets[target].chains or self.chains]

    def arms(self, target: str) -> list[Arm]:
        """The pairs of backbone and chain that a target runs, and its chains that start from features.

        A marker cannot be put into images whose features are given: targets with a confounder have none of the latter.
        """
        arms = [Arm(*pair) for pair in self._pairs(target) if pair[1].exists_for(pair[0], IMAGENET)]
        if not self.targets[target].confounder:
            arms += [Arm(None, chain) for chain in self.chains_of(target) if chain.features]
        return arms

    def baseline_arms(self, target: str, profile: str) -> list[Arm]:
        """The frozen ImageNet networks that a target's chains have to beat.

        Args:
            target: the target's name.
            profile: "strict" or "paper"; the papers have no such baseline.
        """
        if profile == "paper" or self.targets[target].confounder:
            return []
        return [Arm(backbone, Chain(BASELINE, "imagenet", ())) for backbone in self.baseline.backbones]

    def missing_arms(self, target: str) -> list[Arm]:
        """The pairs that a target cannot run, because that backbone has no such weights.

        A weights manifest is of one backbone, and nobody expects it to run with the others.
        """
        pairs = [pair for pair in self._pairs(target) if not pair[1].exists_for(pair[0], IMAGENET)]
        return [Arm(backbone, chain) for backbone, chain in pairs if not chain.weights]

    def _pairs(self, target: str) -> list[tuple[BackboneOptions, Chain]]:
        chains = [chain for chain in self.chains_of(target) if not chain.features]
        pairs = [(backbone, chain) for backbone in self.backbones for chain in chains]
        return [(backbone, chain) for backbone, chain in pairs if not backbone.chains or chain.name in backbone.chains]

    def sources_of(self, target: str) -> set[str]:
        """The sources that a target's chains, or its adaptation, learn from."""
        steps = {step.source for chain in self.chains_of(target) for step in chain.steps}
        return steps | set(self.targets[target].adapt_from)


def recipe_names() -> list[str]:
    """The names of the shipped recipes: `quickstart`, `mini/skin` and so on."""
    top = files.shipped("recipes")
    paths = [path for path in top.rglob("*.toml") if path.name != "reported.toml"]
    return sorted(path.relative_to(top).with_suffix("").as_posix() for path in paths)


def load_recipe(
    reference: str, settings: list[str] | None = None, profile: str | None = None
) -> tuple[str, Recipe, Path]:
    """Loads a shipped recipe by name, or any recipe by path.

    Args:
        reference: a shipped recipe's name, or the path of a .toml file.
        settings: `key=value` strings that replace keys (`finetune.epochs=3`); a value is TOML, or else plain text.
        profile: replaces the recipe's profiles.

    Returns:
        Its name (which is also that of its results folder), the recipe, and the folder that its relative paths start
        from.

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
    recipe = validated(Recipe, data, str(path))
    recipe._base = path.parent
    return name, recipe, path.parent


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
            raise RequestError(f"--set {setting}: {part!r} is not a table.")
    table[last] = value
