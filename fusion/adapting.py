"""The plan of adaptation: for each network off the shelf, classifiers that learn from other sets, without the target's labels."""

from dataclasses import replace
from typing import Any

from fusion.groups import Extracted, Group, fitted_by, strategy_of
from fusion.options import Options
from indomain.data import domains
from indomain.data.split import Split
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
        fitted: the tasks that fitted the networks of that profile, those of [finetune.adaptation] among them.

    Raises:
        RequestError: methods without a target to adapt to, or the reverse; a source with other classes than its target; no
            network off the shelf.
    """
    methods = options.adaptation.methods
    targets = {name: target.adapt_from for name, target in study.recipe.targets.items() if target.adapt_from}
    if targets and not methods and not any(network.kind == "adapt" for network in fitted):
        raise RequestError(
            f"{study.name}: targets.{next(iter(targets))}.adapt_from names sources, and neither [fusion.adaptation] nor "
            '[finetune.adaptation] has methods. Add methods = ["coral"], or leave adapt_from out.'
        )
    if not methods:
        return []
    if methods and not targets:
        raise RequestError(
            f"{study.name}: [fusion.adaptation] names methods, and no target has sources to adapt from: add adapt_from = "
            '["SOURCE"] to a target.'
        )
    tasks: dict[tuple, Task] = {}
    extracted = Extracted(options)
    for target in targets:
        networks = [task for task in fitted if task.tags.target == target and not task.kind and _is_frozen(study, task)]
        if not networks:
            raise RequestError(
                f"{study.name}: targets.{target}.adapt_from: adaptation reads networks that have not seen the target's labels, "
                'and there is none: add "off-the-shelf" to [finetune] strategies, or a [baseline].'
            )
        profile = str(networks[0].tags.profile)
        sources = study.sources_to_adapt_from(target, profile)
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
        "sources": domains.params_of(sources),
    }
    is_control = row in (SOURCE_ONLY, TARGET_TRAINED)
    chooses = options.adaptation.choose != "nothing" and not is_control
    if is_oracle:
        params["choose"] = "target labels"
    elif chooses:
        params["choose"] = options.adaptation.choose
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
        paths={**network.paths, **domains.paths_of(sources)},
        like=f"adapt {row}",
    )
