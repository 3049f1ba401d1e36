"""Chains: how a network came to be."""

from indomain.data.options import SourceOptions
from indomain.errors import unknown

WEIGHT_SUFFIXES = (".keras", ".h5")


def check_chain(name: str, chain: list[str], sources: dict[str, SourceOptions]) -> None:
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
