"""The plan of synthesis: one task per target, fold, seed and generator or translation, under the strict profile."""

from dataclasses import replace
from itertools import product
from typing import Any

from indomain.data import domains
from indomain.data.budget import LabelBudget
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.recipe.study import Study
from indomain.runs.tags import Tags
from indomain.runs.task import Task
from indomain.training import registry
from synthesis.options import Options, options_model
from synthesis.registry import CYCLEGAN

VERSION = 1
FEWEST = 8  # training images of a class from which a generator can learn anything at all


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans the generators of each target, fold and seed.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages; none is read.

    Raises:
        RequestError: an augmentation that does not suit the images, sides that are not doubled from 4 pixels, a target with a
            marker, a class with too few training images, generators that seeds share where each draws its own labels, more than
            two classes to translate between, or no source to translate.
    """
    if "strict" not in study.recipe.profiles:
        return []
    options = study.options("synthesis", options_model(), "strict")
    adapting = {name: target for name, target in study.recipe.targets.items() if target.adapt_from}
    if options.adapt and not adapting:
        raise RequestError(
            f"{study.name}: [synthesis] adapt translates the images of sources, and no target has any to adapt from: add "
            'adapt_from = ["SOURCE"] to a target.'
        )
    tasks = []
    for target in study.recipe.targets if options.generators else []:
        tasks += _of_target(study, options, target)
    for target in adapting if options.adapt else []:
        tasks += _translating(study, options, target)
    return tasks


def _of_target(study: Study, options: Options, target: str) -> list[Task]:
    """The generators of a target's classes."""
    target_options = study.recipe.targets[target]
    if target_options.confounder:
        raise RequestError(
            f"{study.name}: [synthesis] and targets.{target}.confounder exclude each other: generators learn from images "
            "without the marker."
        )
    split, channels = _checked(study, options, target, options.generators)
    budget = target_options.largest_budget()
    if options.seeds == "one" and not budget.is_whole:
        raise RequestError(
            f'{study.name}: [synthesis] seeds = "one" and the label budget of target {target!r} ({budget.label}) exclude '
            "each other: each seed draws labels of its own, and one generator would bring those of the first to all. Set "
            'seeds = "each", or let the target have all labels.'
        )
    if CYCLEGAN in options.generators and len(split.info.classes) != 2:
        raise RequestError(
            f"{study.name}: [synthesis] {CYCLEGAN} translates between two classes, and target {target!r} has "
            f"{len(split.info.classes)}: {', '.join(split.info.classes)}. Merge them by targets.{target}.classes, or take "
            "another generator."
        )
    tasks = []
    for name, fold, seed in product(options.generators, range(split.info.folds), _seeds(study, options)):
        drawn = budget.drawn_by(seed)
        own = {
            "amounts": options.amounts,
            "budget": drawn.to_params(),
            "validation": target_options.split.validation,
        }
        tags = Tags(profile="strict", target=target, source=name, budget=drawn.label, fold=fold, seed=seed)
        tasks.append(_task(study, options, split, channels, tags, own))
    _check_classes(study, target, split.info.counts, split.info.classes, budget)
    return tasks


def _translating(study: Study, options: Options, target: str) -> list[Task]:
    """The translations of the sources' images to the look of a target's."""
    split, channels = _checked(study, options, target, options.adapt)
    sources = list(study.sources_to_adapt_from(target, "strict").values())
    own = {"sources": domains.params_of(sources)}
    tasks = []
    for name, fold, seed in product(options.adapt, range(split.info.folds), _seeds(study, options)):
        tags = Tags(profile="strict", target=target, source=name, fold=fold, seed=seed)
        task = _task(study, options, split, channels, tags, own)
        paths = {**task.paths, **domains.paths_of(sources)}
        tasks.append(replace(task, kind="translate", paths=paths, like=f"{task.like} to translate"))
    return tasks


def _seeds(study: Study, options: Options) -> list[int]:
    return study.seeds("strict") if options.seeds == "each" else study.seeds("strict")[:1]


def _checked(study: Study, options: Options, target: str, names: list[str]) -> tuple[Split, int]:
    """A target's split and the channels of its images, if the generators of that name can learn from them."""
    _check_size(study)
    split = study.target(target, "strict")
    channels = {"grey": 1, "rgb": 3}.get(study.recipe.channels) or split.info.channels
    for name in names:
        registry.check(getattr(options, name).augment, channels, f"synthesis.{name}")
    return split, channels


def _task(study: Study, options: Options, split: Split, channels: int, tags: Tags, own: dict[str, Any]) -> Task:
    """The task of a generator; `own` are the parameters of its kind."""
    name = str(tags.source)
    learning = getattr(options, name)
    params: dict[str, Any] = {
        "generator": name,
        "options": learning.model_dump(exclude={"epochs"}),
        "split": split.digest,
        "fold": tags.fold,
        "classes": split.info.classes,
        "shape": [*study.recipe.shape, channels],
        "seed": (int(tags.seed or 0) + 7919 * int(tags.fold or 0)) % 2**31,
        "compute": study.compute(),
        **own,
    }
    return Task(
        stage="synthesis",
        version=VERSION,
        params=params,
        tags=tags,
        paths=split.paths(),
        like=f"{name} {learning.steps} {learning.width} {params['shape']}",
    )


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
