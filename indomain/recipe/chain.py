"""Chains: a network's initial weights and the pretraining steps after them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from indomain.artifacts.exported import PREFIX as MODEL
from indomain.artifacts.exported import ExportedModel
from indomain.errors import unknown
from indomain.networks.options import BackboneOptions
from indomain.networks.weights_manifest import PREFIX as WEIGHTS
from indomain.networks.weights_manifest import ChosenWeights

FEATURES = "features:"  # of a chain that starts from features computed elsewhere
EACH_SOURCE = "{source}"  # in a chain's name and steps: one chain for each source
STARTS = ["random", "imagenet", "PATH.keras", f"{WEIGHTS}NAME", f"{MODEL}NAME", f"{FEATURES}PATH.npz"]


@dataclass(frozen=True)
class Step:
    """One step of a chain: what is learnt, and from which source.

    Attributes:
        source: name of a source in the recipe.
        objective: name of an objective of `pretrain`.
    """

    source: str
    objective: str


@dataclass(frozen=True)
class Chain:
    """A chain of a recipe.

    Attributes:
        name: the chain's name in the recipe.
        start: its initial weights: "random", "imagenet", the path of a .keras file of this package, or "weights:" and the
            name of a weights manifest; "model:" and the name or path of an exported model; or "features:" and the path of a
            features file.
        steps: the pretraining steps before the target; n steps are n-step transfer.
        weights: what the manifest says, where the chain starts from one.
        model: the exported model that the chain starts from.
    """

    name: str
    start: str
    steps: tuple[Step, ...]
    weights: ChosenWeights | None = None
    model: ExportedModel | None = None

    @classmethod
    def parsed(cls, name: str, words: list[str], sources: Iterable[str]) -> "Chain":
        """The chain written as a list in a recipe: its start, then "source:objective" for each step.

        Args:
            name: the chain's name in the recipe.
            words: the list, such as `["imagenet", "isic:simclr"]`.
            sources: names of the recipe's sources.

        Raises:
            ValueError: the list is empty, the start or a source is unknown, or a step is malformed.
        """
        if not words:
            raise ValueError(f'chain {name!r} is empty; from scratch is ["random"]')
        start, *steps = words
        if start.endswith((".h5", ".safetensors", ".pth", ".pt", ".bin")) and not start.startswith((WEIGHTS, FEATURES)):
            raise ValueError(
                f"chains.{name}: {start} does not say which network it is of, nor how its images are scaled. Describe it in a "
                f'weights manifest, and start the chain from "{WEIGHTS}PATH.toml"; see docs/beginnings.md'
            )
        if not (
            start in ("random", "imagenet") or start.startswith((WEIGHTS, MODEL, FEATURES)) or start.endswith(".keras")
        ):
            raise unknown("start of a chain", start, STARTS, f"chains.{name}")
        if start.startswith(FEATURES) and not start.endswith(".npz"):
            raise ValueError(f"chains.{name}: a features file ends in .npz, as numpy.savez writes it, not {start!r}")
        if start.startswith(FEATURES) and steps:
            raise ValueError(
                f"chains.{name}: features have no weights that {steps[0]!r} could train; a features file is a whole chain"
            )
        parsed_steps = []
        for word in steps:
            source, _, objective = word.partition(":")
            if not objective:
                raise ValueError(
                    f'chain {name!r}: a step reads "source:objective", such as "isic:simclr", not {word!r}'
                )
            if source not in sources:
                raise unknown("source", source, sources, f"chains.{name}")
            parsed_steps.append(Step(source, objective))
        return cls(name, start, tuple(parsed_steps))

    @property
    def features(self) -> str:
        """The path of the features file that it starts from, or ""."""
        return self.start.removeprefix(FEATURES) if self.start.startswith(FEATURES) else ""

    def exists_for(self, backbone: BackboneOptions, imagenet: Mapping[str, str]) -> bool:
        """Whether the chain's initial weights exist for a backbone.

        Args:
            backbone: the backbone.
            imagenet: has the names of all backbones with ImageNet weights as keys.
        """
        if self.weights:
            return self.weights.manifest.architecture == backbone.name
        if self.model:
            known = self.model.content["networks"][0]["backbone"]
            return known["name"] == backbone.name and known["width"] == backbone.width
        return self.start != "imagenet" or backbone.name in imagenet


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment, as in a clinical trial: a backbone and the chain that it goes through.

    Attributes:
        backbone: the backbone; None where the chain starts from a features file, which no backbone can run.
        chain: the chain.
    """

    backbone: BackboneOptions | None
    chain: Chain

    @property
    def label(self) -> str:
        """What stands in the table as the backbone; for a features file its name."""
        return self.backbone.label if self.backbone else PurePath(self.chain.features).stem


def expanded(chains: dict[str, Any], sources: list[str]) -> dict[str, Any]:
    """A recipe's chains, with those that hold "{source}" written out, one for each source.

    Args:
        chains: name -> words, before they are validated.
        sources: names of the recipe's sources.

    Raises:
        ValueError: "{source}" stands in the name or in the steps only, there are no sources, or a name occurs twice.
    """
    found: dict[str, Any] = {}
    for name, words in chains.items():
        used = isinstance(words, list) and any(EACH_SOURCE in str(word) for word in words)
        if not used and EACH_SOURCE not in name:
            found[name] = words
        elif not used or EACH_SOURCE not in name:
            raise ValueError(
                f'chains: {name!r} is one chain for each source: "{EACH_SOURCE}" must stand in its name and in its steps, as in '
                f'"{EACH_SOURCE}-labels" = ["random", "{EACH_SOURCE}:supervised"]'
            )
        elif not sources:
            raise ValueError(f"chains: {name!r} is one chain for each source, and the recipe has none")
        else:
            for source in sources:
                written = name.replace(EACH_SOURCE, source)
                if written in found or written in chains:
                    raise ValueError(f"chains: {written!r} is there twice, once from {name!r}")
                found[written] = [str(word).replace(EACH_SOURCE, source) for word in words]
    return found


def with_chains(table: Any, sources: list[str]) -> Any:
    """A target's or backbone's table with the names of its chains written out likewise.

    Args:
        table: the table, before it is validated.
        sources: names of the recipe's sources.
    """
    if not isinstance(table, dict) or not isinstance(table.get("chains"), list):
        return table
    names = [
        str(name).replace(EACH_SOURCE, source)
        for name in table["chains"]
        for source in (sources if EACH_SOURCE in str(name) else [""])
    ]
    return {**table, "chains": names}
