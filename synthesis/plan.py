"""The plan of synthesis: one task per target, fold, seed and generator, under the strict profile."""

from typing import Any

from indomain.data.budget import LabelBudget
from indomain.errors import RequestError
from indomain.recipe.study import Study
from indomain.runs.tags import Tags
from indomain.runs.task import Task
from indomain.training import registry
from synthesis.options import options_model

VERSION = 1
FEWEST = 8  # training images of a class from which a generator can learn anything at all


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans the generators of each target, fold and seed.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages; none is read.

    Raises:
        RequestError: an augmentation that does not suit the images, sides that are not doubled from 4 pixels, a target with a
            marker, a class with too few training images, or generators that seeds share where each draws its own labels.
    """
    if "strict" not in study.recipe.profiles:
        return []
    options = study.options("synthesis", options_model(), "strict")
    tasks = []
    for target, target_options in study.recipe.targets.items() if options.generators else []:
        if target_options.confounder:
            raise RequestError(
                f"{study.name}: [synthesis] and targets.{target}.confounder exclude each other: generators learn from images "
                "without the marker."
            )
        _check_size(study)
        split = study.target(target, "strict")
        channels = {"grey": 1, "rgb": 3}.get(study.recipe.channels) or split.info.channels
        budget = target_options.largest_budget()
        if options.seeds == "one" and not budget.is_whole:
            raise RequestError(
                f'{study.name}: [synthesis] seeds = "one" and the label budget of target {target!r} ({budget.label}) exclude '
                "each other: each seed draws labels of its own, and one generator would bring those of the first to all. Set "
                'seeds = "each", or let the target have all labels.'
            )
        seeds = study.seeds("strict") if options.seeds == "each" else study.seeds("strict")[:1]
        for name in options.generators:
            learning = getattr(options, name)
            registry.check(learning.augment, channels, f"synthesis.{name}")
            for fold in range(split.info.folds):
                for seed in seeds:
                    drawn = budget.drawn_by(seed)
                    params: dict[str, Any] = {
                        "generator": name,
                        "options": learning.model_dump(exclude={"epochs"}),
                        "amounts": options.amounts,
                        "split": split.digest,
                        "fold": fold,
                        "budget": drawn.to_params(),
                        "validation": target_options.split.validation,
                        "classes": split.info.classes,
                        "shape": [*study.recipe.shape, channels],
                        "seed": (seed + 7919 * fold) % 2**31,
                        "compute": study.compute(),
                    }
                    tags = Tags(profile="strict", target=target, source=name, budget=drawn.label, fold=fold, seed=seed)
                    tasks.append(
                        Task(
                            stage="synthesis",
                            version=VERSION,
                            params=params,
                            tags=tags,
                            paths=split.paths(),
                            like=f"{name} {learning.steps} {learning.width} {params['shape']}",
                        )
                    )
        _check_classes(study, target, split.info.counts, split.info.classes, budget)
    return tasks


def _check_size(study: Study) -> None:
    rows, columns = study.recipe.shape
    if rows != columns or rows < 16 or rows & (rows - 1):
        raise RequestError(
            f"{study.name}: [synthesis] makes square images whose side is a power of two, from 16; size is {rows} × {columns}. "
            "Set size = 64, or leave generators out."
        )


def _check_classes(study: Study, target: str, counts: list[list], classes: list[str], budget: LabelBudget) -> None:
    """Raises a RequestError for a class with too few training images in one of the folds."""
    for fold, part, number, count in counts:
        if part != "train":
            continue
        known = min(count, budget.shots or count) if budget.fraction is None else round(budget.fraction * count)
        if known < FEWEST:
            raise RequestError(
                f"{study.name}: [synthesis]: class {classes[number]!r} of target {target!r} has {known} training images in fold "
                f"{fold}; a generator needs {FEWEST} at least. Ask for more labels, or leave generators out."
            )
