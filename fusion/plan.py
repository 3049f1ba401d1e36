"""The plan of fusion: one task per network for its features, and one per classifier, rule and group of networks."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fusion import adapting, external
from fusion.groups import (
    Extracted,
    Group,
    across_chains,
    address_of,
    by_chain,
    fitted_by,
    is_usual,
    matches,
    strategy_of,
)
from fusion.options import Options
from fusion.registry import CLASSIFIERS, RULES
from indomain.data.budget import LabelBudget
from indomain.errors import RequestError, unknown
from indomain.networks.options import Architecture
from indomain.recipe.recipe import BASELINE
from indomain.recipe.study import Study
from indomain.runs import executor
from indomain.runs.tags import Method
from indomain.runs.task import Task, find
from indomain.training import registry

VERSION = 7
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
        tasks += _fused(study, BASELINE_OPTIONS, by_chain(BASELINE_OPTIONS, baseline))
        tasks += adapting.planned(study, options, find(earlier, "finetune", kind=None, profile=profile))
        if not options.classifiers and not options.heads and not options.distil.groups:
            continue
        _check_names(study, options, fitted, profile)
        # Networks with a confounder are left out: features are extracted from images without the marker.
        fitted = [network for network in fitted if "confounder" not in network.params]
        chosen = [network for network in fitted if network.tags.chain != BASELINE and is_usual(network, options)]
        tasks += _fused(study, options, [*by_chain(options, chosen), *across_chains(options, fitted)])
        tasks += _swept(study, options, chosen)
    return tasks


def _fused(study: Study, options: Options, groups: list[Group]) -> list[Task]:
    """The tasks of features, classifiers and fused heads of some groups."""
    tasks: dict[tuple, Task] = {}
    unfinished = []
    extracted = Extracted(options)
    for group in groups:
        fits: list[Task] = []
        features = [extracted.features(network) for network in group.networks] if options.classifiers else []
        # Several groups share features.
        tasks |= {(task.digest, task.tags): task for task in features if task.stage == "fusion"}
        several = len(group.networks) > 1
        for name in options.classifiers:
            for rule in options.rules if several else _of_one(options):
                fits.append(_classifier(study, group, features, name, rule, options))
        for rule in options.heads if several else []:
            fits.append(_heads(study, group, rule, options))
        if group.tags.chain in options.distil.groups:
            fits.append(_distilled(group, options))
        tasks |= {(task.digest, task.tags): task for task in [*fits, *external.planned(study, fits)]}
        if any(executor.state(study.runs, task) != "done" for task in fits):
            unfinished.append(group)
    # Where everything is fitted there is nothing to refuse, and no reason to read the split.
    _check_sizes(study, options, unfinished)
    return list(tasks.values())


def _of_one(options: Options) -> list[str]:
    """The rules for the features of one network, which has nothing to fuse."""
    return ["concat", *(rule for rule in options.rules if RULES[rule].of_one)]


def _swept(study: Study, options: Options, networks: list[Task]) -> list[Task]:
    """The tasks of single networks whose layers are compared: features and classifiers of each layer, and of all of them."""
    tasks: dict[tuple, Task] = {}
    extracted = Extracted(options)
    for network in networks:
        layers = options.sweep.get(network.params.get("backbone", {}).get("name", ""), [])
        group = Group(network.tags.only("profile", "target", "chain", "backbone", "budget", "fold", "seed"), [network])
        features = {layer: [extracted.features(network, layer)] for layer in layers}
        if len(layers) > 1:
            features[f"{len(layers)} layers"] = [task for (task,) in features.values()]
        for layer, of_layer in features.items():
            fits = [
                _classifier(study, group, of_layer, name, rule, options, layer)
                for name in options.classifiers
                for rule in _of_one(options)
            ]
            tasks |= {(task.digest, task.tags): task for task in [*of_layer, *fits, *external.planned(study, fits)]}
    return list(tasks.values())


def _check_names(study: Study, options: Options, fitted: list[Task], profile: str) -> None:
    """Raises a RequestError for a name that the recipe does not have."""
    names = {backbone.name for backbone in study.recipe.backbones}
    for key in ("layers", "sweep"):
        for name in getattr(options, key):
            if name not in names:
                raise unknown("backbone", name, names, f"fusion.{key}")
    strategies = {strategy_of(task) for task in fitted if task.tags.chain != BASELINE and "backbone" in task.params}
    if strategies and options.strategy not in strategies:
        # What is tuned under one profile is not under the other.
        hint = " under the profile paper, which is not tuned; set [fusion.paper] strategy" if profile == "paper" else ""
        raise unknown("strategy", options.strategy, strategies, f"fusion.strategy{hint}")
    addresses = {address_of(task, options) for task in fitted}
    for name, patterns in options.groups.items():
        if name in study.recipe.chains or name == BASELINE:
            raise RequestError(f"{study.name}: fusion.groups.{name} has the name of a chain; choose another.")
        # The papers' profile has no baseline, and may compare fewer strategies: groups that name them have no rows there.
        lacking = [pattern for pattern in patterns if pattern.startswith(f"{BASELINE}/") or ":" in pattern]
        for pattern in [pattern for pattern in patterns if profile == "strict" or pattern not in lacking]:
            if not any(matches(address, pattern) for address in addresses):
                raise unknown("network", pattern, addresses, f"fusion.groups.{name}")
    labels = {backbone.label for backbone in study.recipe.backbones}
    for name in [name for subset in options.subsets for name in subset]:
        if name not in labels:
            raise unknown("backbone", name, labels, "fusion.subsets")
    for name in options.save:
        if name not in options.classifiers:
            raise unknown("classifier", name, options.classifiers, "fusion.save")


def _check_sizes(study: Study, options: Options, together: Iterable[Group]) -> None:
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


def _classifier(
    study: Study, group: Group, features: list[Task], name: str, rule: str, options: Options, layer: str = ""
) -> Task:
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
    # Features that are given are there for the images of the target only.
    if study.recipe.targets[str(tags.target)].external and all("backbone" in task.params for task in features):
        params["elsewhere"] = True
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
                fitted_by=fitted_by(group),
                layer=layer,
            ),
        ),
        paths=networks[0].paths,
        like=f"{rule} {name}",
    )


def _heads(study: Study, group: Group, rule: str, options: Options) -> Task:
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
        tags=replace(tags, method=Method(rule=rule, networks=len(networks), fitted_by=fitted_by(group))),
        paths=networks[0].paths,
        like=rule,
    )


def _distilled(group: Group, options: Options) -> Task:
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
                fitted_by=fitted_by(group),
            ),
        ),
        paths={**first.paths, "start": first.paths["start"] if begins else ""},
        like=f"distil {learning.epochs} {spec.shape}",
    )
