"""Chains: a network's initial weights and the pretraining steps after them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from indomain.errors import unknown
from indomain.networks.options import BackboneOptions

WEIGHT_SUFFIXES = (".keras", ".h5")


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
        start: its initial weights: "random", "imagenet" or the path of a weights file.
        steps: the pretraining steps before the target; n steps are n-step transfer.
    """

    name: str
    start: str
    steps: tuple[Step, ...]

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
        if start not in ("random", "imagenet") and not start.endswith(WEIGHT_SUFFIXES):
            raise unknown("start of a chain", start, ["random", "imagenet", "PATH.keras"], f"chains.{name}")
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

    def exists_for(self, backbone: BackboneOptions, imagenet: Mapping[str, str]) -> bool:
        """Whether the chain's initial weights exist for a backbone.

        Args:
            backbone: the backbone.
            imagenet: has the names of all backbones with ImageNet weights as keys.
        """
        return self.start != "imagenet" or backbone.name in imagenet


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment, as in a clinical trial: a backbone and the chain that it goes through.

    Attributes:
        backbone: the backbone.
        chain: the chain.
    """

    backbone: BackboneOptions
    chain: Chain
