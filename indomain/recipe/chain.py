"""Chains: how a network came to be, as initial weights and the steps after them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from indomain.errors import unknown
from indomain.networks.options import BackboneOptions

WEIGHT_SUFFIXES = (".keras", ".h5")


@dataclass(frozen=True)
class Step:
    """One step of a chain: what is learnt, and from which source."""

    source: str
    objective: str


@dataclass(frozen=True)
class Chain:
    """A chain of a recipe.

    Attributes:
        name: the recipe's word for it.
        start: its initial weights: "random", "imagenet" or the path of a weights file.
        steps: what is learnt before the target; n steps are n-step transfer.
    """

    name: str
    start: str
    steps: tuple[Step, ...]

    @classmethod
    def parsed(cls, name: str, words: list[str], sources: Iterable[str]) -> "Chain":
        """The chain that a recipe's list means: its start, then "source:objective" for each step.

        Args:
            name: the recipe's word for it.
            words: as in `["imagenet", "isic:simclr"]`.
            sources: the recipe's sources.

        Raises:
            ValueError: an empty list, an unknown start or source, a step of another form.
        """
        if not words:
            raise ValueError(f'chain {name!r} is empty; from scratch is ["random"]')
        start, *steps = words
        if start not in ("random", "imagenet") and not start.endswith(WEIGHT_SUFFIXES):
            raise unknown("start of a chain", start, ["random", "imagenet", "PATH.keras"], f"chains.{name}")
        found = []
        for word in steps:
            source, _, objective = word.partition(":")
            if not objective:
                raise ValueError(
                    f'chain {name!r}: a step reads "source:objective", such as "isic:simclr", not {word!r}'
                )
            if source not in sources:
                raise unknown("source", source, sources, f"chains.{name}")
            found.append(Step(source, objective))
        return cls(name, start, tuple(found))

    def exists_for(self, backbone: BackboneOptions, imagenet: Mapping[str, str]) -> bool:
        """Whether its initial weights exist for a backbone; `imagenet` names those that have ImageNet weights."""
        return self.start != "imagenet" or backbone.name in imagenet


@dataclass(frozen=True)
class Arm:
    """One arm of an experiment, as in a trial: a backbone and the chain that it goes through."""

    backbone: BackboneOptions
    chain: Chain
