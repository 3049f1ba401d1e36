"""Networks that are tested on another set than their own, as they are: nothing of it is learnt from or chosen on."""

from dataclasses import replace
from typing import Any

from indomain.recipe.study import Study, external_name
from indomain.runs.task import Task

VERSION = 2
# Of every task that tests on another set.
KIND = "external"


def planned(study: Study, target: str, networks: list[Task]) -> list[Task]:
    """The tasks that test a target's networks on its external sets.

    Args:
        study: the recipe and its data.
        target: the target's name in the recipe.
        networks: the tasks that fitted them; those on given features have no network, and are left out.

    Raises:
        RequestError: a set has other classes, or images or patients of the target.
    """
    tasks = []
    for name in study.recipe.targets[target].external:
        for network in networks:
            method = network.tags.method
            if network.kind or "backbone" not in network.params or not method or method.mixture:
                continue
            profile = str(network.tags.profile)
            split = study.external(target, name, profile)
            params: dict[str, Any] = {"split": split.digest, "classes": split.info.classes, "external": VERSION}
            tasks.append(
                replace(
                    network,
                    kind=KIND,
                    params=params,
                    inputs={"network": network},
                    tags=replace(network.tags, target=external_name(target, name)),
                    paths=split.paths(),
                    like=f"external {network.params['backbone']['shape']}",
                    despite_divergence=False,
                )
            )
    return tasks
