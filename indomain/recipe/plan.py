"""The plan: the tasks of all stages of a recipe."""

from indomain.errors import RequestError
from indomain.recipe import overlap
from indomain.recipe.study import Study
from indomain.runs.stages import STAGES, plan_of
from indomain.runs.task import Task


def make_plan(study: Study) -> list[Task]:
    """The tasks of a recipe in an order in which they can run; a run may occur several times, under different tags.

    Args:
        study: the recipe with its data.

    Raises:
        RequestError: something in the recipe or the data is wrong; nothing has been run.
    """
    study.check_beginnings()
    for target in study.recipe.targets:
        if not study.recipe.arms(target):
            missing = [arm.backbone.name for arm in study.recipe.missing_arms(target) if arm.backbone]
            if not missing:
                raise RequestError(
                    f"{study.name}: no backbone runs any chain of target {target!r}. A target with a confounder cannot use "
                    "features files, into whose images no marker can be put."
                )
            names = ", ".join(sorted(set(missing)))
            raise RequestError(
                f"{study.name}: no chain of target {target!r} can run: some start from ImageNet, and no ImageNet weights "
                f"exist for {names}. Add a chain that starts from random, or a backbone that has them."
            )
    overlap.check(study)
    tasks: list[Task] = []
    for stage in STAGES:
        tasks += plan_of(stage)(study, tasks)
    return tasks
