"""The plan of adaptation: for each network off the shelf, classifiers that learn from other sets, without the target's labels."""

from dataclasses import replace
from typing import Any

from fusion.groups import Extracted, Group, fitted_by, strategy_of
from fusion.options import Options
from indomain.data.split import Split, SplitInfo
from indomain.errors import RequestError
from indomain.recipe.study import Study
from indomain.runs.tags import SOURCE_ONLY, TARGET_TRAINED, Method
from indomain.runs.task import Task

VERSION = 1
CLASSIFIER = "logistic-regression"


def planned(study: Study, options: Options, fitted: list[Task]) -> list[Task]:
    """The tasks of adaptation, preceded by those of the features of the sources.

    Args:
        study: the recipe and its data.
        options: [fusion] of a profile.
        fitted: the tasks that fitted the networks of that profile.

    Raises:
        RequestError: methods without a target to adapt to, or the reverse; a source with other classes than its target; no
            network off the shelf.
    """
    methods = options.adaptation.methods
    targets = {name: target.adapt_from for name, target in study.recipe.targets.items() if target.adapt_from}
    if targets and not methods:
        raise RequestError(
            f"{study.name}: targets.{next(iter(targets))}.adapt_from names sources, and [fusion.adaptation] methods is empty. "
            'Add methods = ["coral"], or leave adapt_from out.'
        )
    if methods and not targets:
        raise RequestError(
            f"{study.name}: [fusion.adaptation] names methods, and no target has sources to adapt from: add adapt_from = "
            '["SOURCE"] to a target.'
        )
    tasks: dict[tuple, Task] = {}
    extracted = Extracted(options)
    for target, names in targets.items():
        networks = [network for network in fitted if network.tags.target == target and _is_frozen(study, network)]
        if not networks:
            raise RequestError(
                f"{study.name}: targets.{target}.adapt_from: adaptation reads networks that have not seen the target's labels, "
                'and there is none: add "off-the-shelf" to [finetune] strategies, or a [baseline].'
            )
        profile = str(networks[0].tags.profile)
        sources = {name: study.source(name, profile, labelled=True) for name in names}
        info = study.target(target, profile).info
        for name, source in sources.items():
            _check_classes(study, target, name, info, source.info)
        for network in networks:
            features = extracted.features(network)
            of_sources = [_features_of(features, name, source) for name, source in sources.items()]
            rows = [SOURCE_ONLY, TARGET_TRAINED, *methods]
            rows += [f"{name} (oracle)" for name in methods] if options.adaptation.oracle else []
            fits = [_adapted(network, features, of_sources, list(sources.values()), row, options) for row in rows]
            tasks |= {
                (task.digest, task.tags): task for task in [features, *of_sources, *fits] if task.stage == "fusion"
            }
            # Those of the target are planned with the network; those of the sources are not.
            tasks |= {(task.digest, task.tags): task for task in of_sources}
    return list(tasks.values())


def _is_frozen(study: Study, network: Task) -> bool:
    """Whether a network has not seen the target's labels, under the largest of its budgets, the head of which is not used."""
    largest = study.recipe.targets[str(network.tags.target)].largest_budget().label
    is_network = "backbone" in network.params and "confounder" not in network.params
    return is_network and strategy_of(network) == "off-the-shelf" and network.tags.budget == largest


def _check_classes(study: Study, target: str, name: str, info: SplitInfo, source: SplitInfo) -> None:
    if sorted(source.classes) != sorted(info.classes):
        raise RequestError(
            f"{study.name}: targets.{target}.adapt_from: source {name!r} has the classes {', '.join(source.classes)}, and the "
            f"target has {', '.join(info.classes)}. Give them the same names: sources.{name}.classes = "
            f'{{ {info.classes[0]} = ["..."], ... }}.'
        )


def _features_of(features: Task, name: str, source: Split) -> Task:
    """The task of the same network's features of a source's images."""
    return features.on_images(source.info.rows, source.paths(), replace(features.tags, target=None, source=name))


def _adapted(
    network: Task, features: Task, of_sources: list[Task], sources: list[Split], row: str, options: Options
) -> Task:
    """The task of one row: an adaptation, or a control."""
    method, is_oracle = row.removesuffix(" (oracle)"), row.endswith(" (oracle)")
    params: dict[str, Any] = {
        **{key: network.params[key] for key in ("split", "fold", "budget", "validation", "classes")},
        "adaptation": method,
        "seed": network.tags.seed,
        "sources": [{"split": source.digest, "classes": source.info.classes} for source in sources],
    }
    is_control = row in (SOURCE_ONLY, TARGET_TRAINED)
    chooses = options.adaptation.choose != "nothing" and not is_control
    if is_oracle:
        params["choose"] = "target labels"
    elif chooses:
        params["choose"] = options.adaptation.choose
    paths = dict(network.paths)
    for number, source in enumerate(sources):
        paths.update(source.paths(f"source{number}_"))
    tags = replace(
        network.tags,
        method=Method(
            classifier=CLASSIFIER,
            tuned=chooses and not is_oracle,
            fitted_by=fitted_by(Group(network.tags, [network])),
            adaptation=row,
        ),
    )
    return Task(
        stage="fusion",
        version=VERSION,
        kind="adapt",
        params=params,
        inputs={"features": [features], "sources": of_sources},
        tags=tags,
        paths=paths,
        like=f"adapt {row}",
    )
