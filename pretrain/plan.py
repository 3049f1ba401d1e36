"""The plan of pretraining: one task per step of a chain, backbone and seed."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import create_model

from indomain.data.split import Split
from indomain.errors import RequestError, unknown
from indomain.recipe.chain import Arm, Step
from indomain.recipe.study import Study
from indomain.runs.tags import Tags
from indomain.runs.task import Task
from indomain.toml import Table
from indomain.training import registry
from indomain.training.options import LearningOptions
from pretrain.objectives import OBJECTIVES

VERSION = 4


class Options(Table):
    """[pretrain]; the options of each objective are in a table of that name: [pretrain.simclr] epochs = 50."""

    # "each": pretrain once per seed, so that intervals and tests include how pretraining varies; "one": pretrain once and
    # share the result among all seeds. That is cheaper, and says nothing about the chain beyond this one pretraining.
    seeds: Literal["one", "each"] = "each"
    # Name of a target on which the features are evaluated after each epoch (`probe_knn` in the log); "" for none.
    probe: str = ""


def options_model() -> type[Options]:
    """`Options` with one table per objective that is registered at the time of the call."""
    tables: dict[str, Any] = {name: (entry.options, entry.options()) for name, entry in OBJECTIVES.items()}
    model = create_model("Options", __base__=Options, **tables)
    defaults = {name: entry.options.paper_defaults() for name, entry in OBJECTIVES.items()}
    model.paper_defaults = classmethod(lambda cls: defaults)  # type: ignore[method-assign, assignment]
    return model


def plan(study: Study, earlier: list[Task]) -> list[Task]:
    """Plans one task per step of a chain, backbone and seed.

    Equal steps are equal tasks, regardless of the chain that they belong to.

    Args:
        study: the recipe and its data.
        earlier: tasks of earlier stages; there are none.

    Raises:
        RequestError: an unknown target, objective or augmentation, or a source that an objective cannot learn from.
    """
    tasks = []
    for profile in study.recipe.profiles:
        options = study.options("pretrain", options_model(), profile)
        seeds = study.seeds(profile) if options.seeds == "each" else study.seeds(profile)[:1]
        if options.probe and options.probe not in study.recipe.targets:
            raise unknown("target", options.probe, study.recipe.targets, "pretrain.probe")
        for target in study.recipe.targets:
            for arm in study.recipe.arms(target):
                for seed in seeds if arm.chain.steps else []:
                    tags = Tags(profile=profile, target=target, chain=arm.chain.name, backbone=arm.label, seed=seed)
                    tasks += _steps(study, options, arm, tags)
    return tasks


def _steps(study: Study, options: Options, arm: Arm, tags: Tags) -> list[Task]:
    """The tasks of one chain, each of which reads the network of the previous one."""
    target, profile = str(tags.target), str(tags.profile)
    beginning = study.beginning(arm.chain)
    architecture = study.architecture(arm, target, profile)
    probe = study.target(options.probe, profile) if options.probe else None
    tasks: list[Task] = []
    for number, step in enumerate(arm.chain.steps, start=1):
        learning = _learning_options(options, step.objective, arm.chain.name)
        registry.check(learning.augment, architecture.channels, f"pretrain.{step.objective}")
        split = _source(study, step, arm.chain.name, profile)
        tasks.append(
            Task(
                stage="pretrain",
                version=VERSION,
                params={
                    "objective": step.objective,
                    "options": learning.model_dump(),
                    "split": split.digest,
                    "backbone": architecture.to_params(),
                    "start": beginning.start if not tasks else "previous step",
                    "seed": tags.seed,
                    "probe": probe.digest if probe else "",
                    "compute": study.compute(),
                    **({"masks": split.info.masks} if OBJECTIVES[step.objective].reads == "masks" else {}),
                },
                inputs={"previous": tasks[-1]} if tasks else {},
                tags=replace(tags, step=number, source=step.source, objective=step.objective),
                paths={**split.paths(), **(probe.paths("probe_") if probe else {}), "start": beginning.path},
                like=f"{step.objective} {learning.epochs} {architecture.shape}",
            )
        )
    return tasks


def _learning_options(options: Options, objective: str, chain: str) -> LearningOptions:
    if objective not in OBJECTIVES:
        raise unknown("objective", objective, OBJECTIVES, f"chains.{chain}")
    return getattr(options, objective)


def _source(study: Study, step: Step, chain: str, profile: str) -> Split:
    """The split of a step's source, with the labels or origins that its objective reads."""
    reads = OBJECTIVES[step.objective].reads
    split = study.source(step.source, profile, reads == "labels")
    if reads == "origins" and len(split.info.origins) < 2:
        raise RequestError(
            f"chains.{chain}: {step.objective} tells apart which set or folder an image came from, and source "
            f"{step.source!r} has only one, or folders that are its classes. Join several sets (set = [...]), or use "
            "another objective."
        )
    return split
