"""The plan of fusion: one task per network for its features, and one per classifier, rule and group of networks."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from fusion.options import Options
from fusion.registry import CLASSIFIERS, RULES
from indomain.data.budget import LabelBudget
from indomain.errors import RequestError, unknown
from indomain.networks.options import Architecture
from indomain.recipe.recipe import BASELINE
from indomain.recipe.study import Study
from indomain.runs import executor
from indomain.runs.tags import Method, Tags
from indomain.runs.task import Task, find
from indomain.training import registry

VERSION = 7
FEATURES_VERSION = 4  # version of the runs that extract features
# Fewest patients per class, by the number of choices nested in one another, so that a classifier with folds of its own finds
# two of each class in the innermost: of 6, three inner folds leave 4 to learn from, and of 4 they leave 2.
FEWEST_PATIENTS = (2, 4, 6)
# How the frozen networks of the baseline are fused.
BASELINE_OPTIONS = Options(classifiers=["logistic-regression"], strategy="off-the-shelf")


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans the features of each network, every classifier on each group of a chain's networks, and the fused heads.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages, among them those of fine-tuning.

    Raises:
        RequestError: a name that the recipe does not have, a choice within too few training images, or a fusion of heads
            that learns where there are no validation images.
    """
    tasks: list[Task] = []
    for profile in study.recipe.profiles:
        options = study.options("fusion", Options, profile)
        fitted = find(earlier, "finetune", profile=profile)
        baseline = [network for network in fitted if network.tags.chain == BASELINE]
        tasks += _fused(study, BASELINE_OPTIONS, _by_chain(BASELINE_OPTIONS, baseline))
        if not options.classifiers and not options.heads and not options.distil.groups:
            continue
        _check_names(study, options, fitted, profile)
        # Networks with a confounder are left out: features are extracted from images without the marker.
        fitted = [network for network in fitted if "confounder" not in network.params]
        chosen = [network for network in fitted if network.tags.chain != BASELINE and _is_usual(network, options)]
        tasks += _fused(study, options, [*_by_chain(options, chosen), *_across_chains(options, fitted)])
        tasks += _swept(options, chosen)
    return tasks


@dataclass(frozen=True)
class _Group:
    """Networks that are fused, or one alone.

    Attributes:
        tags: of its rows.
        networks: the tasks that fitted them.
    """

    tags: Tags
    networks: list[Task]


def _fused(study: Study, options: Options, groups: list[_Group]) -> list[Task]:
    """The tasks of features, classifiers and fused heads of some groups."""
    tasks: dict[tuple, Task] = {}
    unfinished = []
    extracted = _Extracted(options)
    for group in groups:
        fits: list[Task] = []
        features = [extracted.features(network) for network in group.networks] if options.classifiers else []
        # Several groups share features.
        tasks |= {(task.digest, task.tags): task for task in features if task.stage == "fusion"}
        several = len(group.networks) > 1
        for name in options.classifiers:
            for rule in options.rules if several else _of_one(options):
                fits.append(_classifier(group, features, name, rule, options))
        for rule in options.heads if several else []:
            fits.append(_heads(study, group, rule, options))
        if group.tags.chain in options.distil.groups:
            fits.append(_distilled(group, options))
        tasks |= {(task.digest, task.tags): task for task in fits}
        if any(executor.state(study.runs, task) != "done" for task in fits):
            unfinished.append(group)
    # Where everything is fitted there is nothing to refuse, and no reason to read the split.
    _check_sizes(study, options, unfinished)
    return list(tasks.values())


def _of_one(options: Options) -> list[str]:
    """The rules for the features of one network, which has nothing to fuse."""
    return ["concat", *(rule for rule in options.rules if RULES[rule].of_one)]


def _swept(options: Options, networks: list[Task]) -> list[Task]:
    """The tasks of single networks whose layers are compared: features and classifiers of each layer, and of all of them."""
    tasks: dict[tuple, Task] = {}
    extracted = _Extracted(options)
    for network in networks:
        layers = options.sweep.get(network.params.get("backbone", {}).get("name", ""), [])
        group = _Group(network.tags.only("profile", "target", "chain", "backbone", "budget", "fold", "seed"), [network])
        features = {layer: [extracted.features(network, layer)] for layer in layers}
        if len(layers) > 1:
            features[f"{len(layers)} layers"] = [task for (task,) in features.values()]
        for layer, of_layer in features.items():
            fits = [
                _classifier(group, of_layer, name, rule, options, layer)
                for name in options.classifiers
                for rule in _of_one(options)
            ]
            tasks |= {(task.digest, task.tags): task for task in [*of_layer, *fits]}
    return list(tasks.values())


def _by_chain(options: Options, fitted: list[Task]) -> list[_Group]:
    """The groups of networks of one chain: single networks, subsets, all of them."""
    together: dict[Tags, list[Task]] = {}
    for network in fitted:
        shared = network.tags.only("profile", "target", "chain", "budget", "fold", "seed")
        together.setdefault(shared, []).append(network)
    return [
        _Group(replace(tags, backbone="+".join(str(network.tags.backbone) for network in group)), group)
        for tags, networks in together.items()
        for group in _groups(options, networks)
    ]


def _across_chains(options: Options, fitted: list[Task]) -> Iterator[_Group]:
    """The groups of networks of several chains, one for each seed that one of the networks has."""
    together: dict[Tags, dict[str, dict[int, Task]]] = {}
    for network in fitted:
        shared = network.tags.only("profile", "target", "budget", "fold")
        by_seed = together.setdefault(shared, {}).setdefault(_address(network, options), {})
        by_seed[int(network.tags.seed or 0)] = network
    for name, patterns in options.groups.items():
        for tags, networks in together.items():
            matching = [[known for known in networks if _matches(known, pattern)] for pattern in patterns]
            if not all(matching):
                # A target that does not run all of these networks has no such group.
                continue
            members = list(dict.fromkeys(known for found in matching for known in found))
            for seed in sorted({seed for known in members for seed in networks[known]}):
                # What does not depend on the seed was fitted for the first one only.
                group = [networks[known].get(seed) or networks[known][min(networks[known])] for known in members]
                yield _Group(replace(tags, chain=name, backbone="+".join(members), seed=seed), group)


def _strategy(network: Task) -> str:
    """The strategy that fitted a network."""
    return network.tags.method.strategy if network.tags.method else ""


def _is_usual(network: Task, options: Options) -> bool:
    """Whether a network's features are used without its strategy being named: there is one, or it is that of [fusion]."""
    has_one = network.tags.chain == BASELINE or "backbone" not in network.params
    return has_one or _strategy(network) == options.strategy


def _address(network: Task, options: Options) -> str:
    """ "chain/backbone" of a network as [fusion] groups name it, then ":strategy" if it is not a usual one."""
    usual = _is_usual(network, options)
    return f"{network.tags.chain}/{network.tags.backbone}{'' if usual else f':{_strategy(network)}'}"


def _matches(address: str, pattern: str) -> bool:
    """Whether a pattern of [fusion] groups names a network; a * stands for no strategy."""
    return fnmatchcase(address, pattern) and (":" in address) == (":" in pattern)


def _check_names(study: Study, options: Options, fitted: list[Task], profile: str) -> None:
    """Raises a RequestError for a name that the recipe does not have."""
    names = {backbone.name for backbone in study.recipe.backbones}
    for key in ("layers", "sweep"):
        for name in getattr(options, key):
            if name not in names:
                raise unknown("backbone", name, names, f"fusion.{key}")
    strategies = {_strategy(task) for task in fitted if task.tags.chain != BASELINE and "backbone" in task.params}
    if strategies and options.strategy not in strategies:
        # What is tuned under one profile is not under the other.
        hint = " under the profile paper, which is not tuned; set [fusion.paper] strategy" if profile == "paper" else ""
        raise unknown("strategy", options.strategy, strategies, f"fusion.strategy{hint}")
    addresses = {_address(task, options) for task in fitted}
    for name, patterns in options.groups.items():
        if name in study.recipe.chains or name == BASELINE:
            raise RequestError(f"{study.name}: fusion.groups.{name} has the name of a chain; choose another.")
        # The papers' profile has no baseline, and may compare fewer strategies: groups that name them have no rows there.
        lacking = [pattern for pattern in patterns if pattern.startswith(f"{BASELINE}/") or ":" in pattern]
        for pattern in [pattern for pattern in patterns if profile == "strict" or pattern not in lacking]:
            if not any(_matches(address, pattern) for address in addresses):
                raise unknown("network", pattern, addresses, f"fusion.groups.{name}")
    labels = {backbone.label for backbone in study.recipe.backbones}
    for name in [name for subset in options.subsets for name in subset]:
        if name not in labels:
            raise unknown("backbone", name, labels, "fusion.subsets")
    for name in options.save:
        if name not in options.classifiers:
            raise unknown("classifier", name, options.classifiers, "fusion.save")


def _check_sizes(study: Study, options: Options, together: Iterable[_Group]) -> None:
    """Raises a RequestError where images are held out of training images that are too few for it."""
    # All chains have the same images: they are counted once per fold, budget and seed, in a table that is read once.
    tables: dict[tuple, Any] = {}
    parts = {group.tags.only("profile", "target", "budget", "fold", "seed"): group.networks for group in together}
    for tags, networks in parts.items():
        by_rules = [f"rules = {rule}" for rule in options.rules if RULES[rule].chooses and len(networks) > 1]
        choices = [words[0] for words in (by_rules, ["tune = true"] * options.tune) if words]
        margins = [f"classifiers = {name}" for name in options.classifiers if CLASSIFIERS[name].holds_out]
        if not options.classifiers or not choices + margins:
            continue
        where, params = (str(tags.target), str(tags.profile)), networks[0].params
        table = tables[where] if where in tables else tables.setdefault(where, study.target(*where).every_fold())
        rows = LabelBudget.of(params["budget"]).rows(table[table["fold"] == tags.fold], params["validation"])
        fewest = int(rows[rows["split"] != "test"].groupby("y")["group"].nunique().min())
        # Other classifiers learn from one patient of each class, too.
        needed = FEWEST_PATIENTS[len(choices) if margins else 1]
        if fewest < needed:
            words = " with ".join([*choices, *margins[:1]])
            raise RequestError(
                f"fusion: {words} holds out some of the training images, and target {tags.target!r} with {tags.budget} has a "
                f"class of {fewest} patients or images there; at least {needed} are needed. Ask for more labels, or leave "
                "it out."
            )


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


class _Extracted:
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


def _classifier(group: _Group, features: list[Task], name: str, rule: str, options: Options, layer: str = "") -> Task:
    networks, tags = group.networks, group.tags
    shared = ("split", "fold", "budget", "validation", "classes")
    params = {
        "classifier": name,
        "components": options.components if RULES[rule].components else None,
        **{key: networks[0].params[key] for key in shared},
        "seed": tags.seed,
    }
    # Defaults are left out of the digest, so that a new option does not invalidate runs that do not use it.
    if rule != "concat":
        params["rule"] = rule
    if options.tune:
        params["grid"] = CLASSIFIERS[name].grid
    if name in options.save:
        params["save"] = True
    if options is BASELINE_OPTIONS:
        params["validate"] = True
    return Task(
        stage="fusion",
        version=VERSION,
        kind="classify",
        params=params,
        inputs={"features": features},
        tags=replace(
            tags,
            method=Method(
                rule=rule,
                classifier=name,
                networks=len(networks),
                tuned=options.tune,
                fitted_by=_fitted_by(group),
                layer=layer,
            ),
        ),
        paths=networks[0].paths,
        like=f"{rule} {name}",
    )


def _fitted_by(group: _Group) -> str:
    """The strategies as rows name them: full fine-tuning is the rule, and not mentioned."""
    strategies = sorted({_strategy(network) for network in group.networks})
    return "" if strategies == ["full"] else " and ".join(strategies)


def _heads(study: Study, group: _Group, rule: str, options: Options) -> Task:
    networks, tags = group.networks, group.tags
    info = study.target(str(tags.target), str(tags.profile)).info
    if RULES[rule].of_heads != "mean" and not info.has_validation:
        raise RequestError(
            f"fusion.heads: {rule} learns on validation images, and target {tags.target!r} has none under the profile "
            f'{tags.profile}. Put [fusion.{tags.profile}] heads = ["score-mean"] into the recipe.'
        )
    return Task(
        stage="fusion",
        version=VERSION,
        kind="heads",
        params={"rule": rule, "classes": networks[0].params["classes"]},
        inputs={"networks": networks},
        tags=replace(tags, method=Method(rule=rule, networks=len(networks), fitted_by=_fitted_by(group))),
        paths=networks[0].paths,
        like=rule,
    )


def _distilled(group: _Group, options: Options) -> Task:
    """The task of the one network that learns what those of a group say."""
    first, learning = group.networks[0], options.distil
    where = f"fusion.distil: group {group.tags.chain!r}"
    if any("backbone" not in network.params for network in group.networks):
        raise RequestError(f"{where} has features that are given, which no network can be asked for.")
    spec = Architecture.of(first.params["backbone"])
    registry.check(learning.augment, spec.channels, "fusion.distil")
    begins = learning.begin == "first"
    pretrained = {"pretrained": first.inputs["pretrained"]} if begins and "pretrained" in first.inputs else {}
    shared = ("split", "fold", "budget", "validation", "classes", "backbone", "compute")
    return Task(
        stage="fusion",
        version=VERSION,
        kind="distil",
        params={
            **{key: first.params[key] for key in shared},
            # As for fine-tuning: another one in each fold. A first network that no seed changes has that of the first seed only.
            "seed": (int(group.tags.seed or 0) + 7919 * int(group.tags.fold or 0)) % 2**31,
            "options": learning.model_dump(exclude={"groups", "begin"}),
            "start": first.params["start"] if begins else "random",
        },
        inputs={"networks": group.networks, **pretrained},
        tags=replace(
            group.tags,
            method=Method(
                rule="distillation",
                classifier="one network",
                networks=len(group.networks),
                fitted_by=_fitted_by(group),
            ),
        ),
        paths={**first.paths, "start": first.paths["start"] if begins else ""},
        like=f"distil {learning.epochs} {spec.shape}",
    )
