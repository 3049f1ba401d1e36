"""Which networks are fused, how a recipe names them, and the tasks of their features."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from fusion.options import Options
from indomain.recipe.recipe import BASELINE
from indomain.runs.tags import Tags
from indomain.runs.task import Task

FEATURES_VERSION = 4  # version of the runs that extract features


@dataclass(frozen=True)
class Group:
    """Networks that are fused, or one alone.

    Attributes:
        tags: of its rows.
        networks: the tasks that fitted them.
    """

    tags: Tags
    networks: list[Task]


def by_chain(options: Options, fitted: list[Task]) -> list[Group]:
    """The groups of networks of one chain: single networks, subsets, all of them."""
    together: dict[Tags, list[Task]] = {}
    for network in fitted:
        shared = network.tags.only("profile", "target", "chain", "budget", "fold", "seed")
        together.setdefault(shared, []).append(network)
    return [
        Group(replace(tags, backbone="+".join(str(network.tags.backbone) for network in group)), group)
        for tags, networks in together.items()
        for group in _groups(options, networks)
    ]


def across_chains(options: Options, fitted: list[Task]) -> Iterator[Group]:
    """The groups of networks of several chains, one for each seed that one of the networks has."""
    together: dict[Tags, dict[str, dict[int, Task]]] = {}
    for network in fitted:
        shared = network.tags.only("profile", "target", "budget", "fold")
        by_seed = together.setdefault(shared, {}).setdefault(address_of(network, options), {})
        by_seed[int(network.tags.seed or 0)] = network
    for name, patterns in options.groups.items():
        for tags, networks in together.items():
            matching = [[known for known in networks if matches(known, pattern)] for pattern in patterns]
            if not all(matching):
                # A target that does not run all of these networks has no such group.
                continue
            members = list(dict.fromkeys(known for found in matching for known in found))
            for seed in sorted({seed for known in members for seed in networks[known]}):
                # What does not depend on the seed was fitted for the first one only.
                group = [networks[known].get(seed) or networks[known][min(networks[known])] for known in members]
                yield Group(replace(tags, chain=name, backbone="+".join(members), seed=seed), group)


def _groups(options: Options, networks: list[Task]) -> list[list[Task]]:
    """The groups of a chain's networks that get classifiers: single networks, subsets, all of them."""
    groups = [[network] for network in networks] if "each" in options.networks and len(networks) > 1 else []
    for subset in options.subsets:
        chosen = [network for network in networks if network.tags.backbone in subset]
        # A chain that was not run with all of these backbones has no such group.
        if len(chosen) == len(set(subset)):
            groups.append(chosen)
    if "all" in options.networks or len(networks) == 1:
        groups.append(networks)
    return list({tuple(network.digest for network in group): group for group in groups}.values())


def strategy_of(network: Task) -> str:
    """The strategy that fitted a network."""
    return network.tags.method.strategy if network.tags.method else ""


def is_usual(network: Task, options: Options) -> bool:
    """Whether a network's features are used without its strategy being named: there is one, or it is that of [fusion]."""
    has_one = network.tags.chain == BASELINE or "backbone" not in network.params
    return has_one or strategy_of(network) == options.strategy


def address_of(network: Task, options: Options) -> str:
    """ "chain/backbone" of a network as [fusion] groups name it, then ":strategy" if it is not a usual one."""
    usual = is_usual(network, options)
    return f"{network.tags.chain}/{network.tags.backbone}{'' if usual else f':{strategy_of(network)}'}"


def matches(address: str, pattern: str) -> bool:
    """Whether a pattern of [fusion] groups names a network; a * stands for no strategy."""
    return fnmatchcase(address, pattern) and (":" in address) == (":" in pattern)


def fitted_by(group: Group) -> str:
    """The strategies as rows name them: full fine-tuning is the rule, and not mentioned."""
    strategies = sorted({strategy_of(network) for network in group.networks})
    return "" if strategies == ["full"] else " and ".join(strategies)


class Extracted:
    """The tasks that extract features; networks on the same untrained backbone share one task."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._first: dict[str, Task] = {}  # digest of the untrained features -> the first network on that backbone

    def features(self, network: Task, layer: str = "") -> Task:
        """The task that extracts a network's features, or reads those that are given.

        Args:
            network: the task that fitted it.
            layer: the layer that they come from; "": the one that [fusion] names, or the usual one.
        """
        if "backbone" not in network.params:
            return network.input("features")
        layer = layer or self.options.layers.get(network.params["backbone"]["name"], "")
        params = {"layer": layer, **{key: network.params[key] for key in ("backbone", "compute")}}
        if self.options.pooling != ["mean"]:
            params["pooling"] = self.options.pooling
        tags = replace(network.tags, method=None)
        if "features" in network.inputs:
            untrained = network.input("features")
            if not layer and self.options.pooling == ["mean"]:
                return untrained
            # All networks on this backbone have the same layers below the head, so the first stands for all.
            network, tags = self._first.setdefault(untrained.digest, network), untrained.tags
            params["rows"] = untrained.params["rows"]
        else:
            params |= {key: network.params[key] for key in ("split", "fold", "budget", "validation")}
        return Task(
            stage="fusion",
            version=FEATURES_VERSION,
            kind="features",
            params=params,
            inputs={"network": network},
            tags=tags,
            paths=network.paths,
            like=f"features {network.params['backbone']['shape']}",
        )
