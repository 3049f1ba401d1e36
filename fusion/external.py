"""Classifiers that are tested on another set than their own, as they are: nothing of it is learnt from or chosen on."""

from dataclasses import replace

from indomain.recipe.study import Study, external_name
from indomain.runs.task import Task

VERSION = 1
# Of every task that tests on another set.
KIND = "external"


def planned(study: Study, fits: list[Task]) -> list[Task]:
    """The tasks that test classifiers on the external sets of their target, and those of the features that they read there.

    Args:
        study: the recipe and its data.
        fits: tasks of fusion, of which those count that keep their classifier for this.

    Raises:
        RequestError: a set has other classes, or images or patients of the target.
    """
    tasks: dict[tuple, Task] = {}
    for task in [task for task in fits if task.params.get("elsewhere")]:
        target, profile, members = str(task.tags.target), str(task.tags.profile), task.several("features")
        for name in study.recipe.targets[target].external:
            split, row = study.external(target, name, profile), external_name(target, name)
            features = [
                member.on_images(split.info.rows, split.paths(), replace(member.tags, target=row)) for member in members
            ]
            tested = replace(
                task,
                kind=KIND,
                params={"split": split.digest, "classes": split.info.classes, "external": VERSION},
                inputs={"classifier": task, "features": features},
                tags=replace(task.tags, target=row),
                paths=split.paths(),
                like=KIND,
            )
            # Networks of several classifiers are asked once, and those of the stage before compute their features there.
            tasks |= {(one.digest, one.tags): one for one in [*features, tested]}
    return list(tasks.values())
