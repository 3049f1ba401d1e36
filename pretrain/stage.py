"""Stage 1, pretraining: each step of each chain is one run.

    python -m pretrain RECIPE

Reads prepared sets and, for a later step, the network of the step before. Writes `model.keras` (the backbone without a
head, input 0–255) and `log.csv`, which holds for every objective a quantity that tells whether it learns. Minutes on two
cores: images × epochs / 900 a second for squeezenet at 64 pixels.
Feeds every row of the table whose chain has more than its beginning.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import create_model

from indomain.data.split import open_split
from indomain.errors import RequestError, look_up, unknown
from indomain.progress import Note
from indomain.recipe.study import Plan
from indomain.runs.task import Task
from indomain.toml import Table
from indomain.training import augmentation
from pretrain.objectives import OBJECTIVES

VERSION = 2


class _Shared(Table):
    # "one": the chain's steps are learnt once and shared by all seeds; "each": every seed has its own.
    seeds: Literal["one", "each"] = "one"
    # A target of the recipe on which the features are looked at after each epoch (`probe_knn` in the log).
    probe: str = ""


# [pretrain] has one table for each objective: [pretrain.simclr] epochs = 50
Options = create_model(  # type: ignore[call-overload]
    "Options",
    __base__=_Shared,
    **{name: (objective.options, objective.options()) for name, objective in OBJECTIVES.items()},
)


def plan(plan: Plan) -> list[Task]:
    """One task for each step of each chain, backbone and seed; equal steps are equal tasks, whoever asks."""
    tasks = []
    for profile in plan.recipe.profiles:
        options = plan.options("pretrain", Options, profile)
        seeds = plan.seeds(profile) if options.seeds == "each" else plan.seeds(profile)[:1]
        if options.probe and options.probe not in plan.recipe.targets:
            raise unknown("target", options.probe, plan.recipe.targets, "pretrain.probe")
        for target in plan.recipe.targets:
            for backbone, name, chain in plan.recipe.arms(target, profile):
                spec = plan.backbone(backbone, target, profile)
                for seed in seeds:
                    labels = {
                        "profile": profile,
                        "target": target,
                        "chain": name,
                        "backbone": backbone.label,
                        "seed": seed,
                    }
                    tasks += _steps(plan, options, profile, chain, spec, labels)
    return tasks


def _steps(plan: Plan, options, profile: str, chain: list[str], spec: dict[str, Any], labels: dict) -> list[Task]:
    start, path = plan.beginning(chain[0])
    tasks: list[Task] = []
    for number, step in enumerate(chain[1:], start=1):
        source, _, word = step.partition(":")
        if word not in OBJECTIVES:
            raise unknown("objective", word, OBJECTIVES, f"chains.{labels['chain']}")
        training = getattr(options, word)
        augmentation.check(training.augment, spec["shape"][-1], f"pretrain.{word}")
        listing = plan.source(source, profile, OBJECTIVES[word].reads == "labels")
        if OBJECTIVES[word].reads == "origins" and len(listing.facts["origins"]) < 2:
            raise RequestError(
                f"chains.{labels['chain']}: {word} tells apart which set or folder an image came from, and source {source!r} "
                "has one only, or folders that are its classes. Join several sets (set = [...]), or use another objective."
            )
        places = {**listing.places, "start": path}
        looked_at = plan.target(options.probe, profile) if options.probe else None
        if looked_at:
            places |= {f"probe_{key}": place for key, place in looked_at.places.items()}
        tasks.append(
            Task(
                stage="pretrain",
                version=VERSION,
                params={
                    "objective": word,
                    "options": training.model_dump(),
                    "listing": listing.digest,
                    "backbone": spec,
                    "start": start if not tasks else "previous step",
                    "seed": labels["seed"],
                    "probe": looked_at.digest if looked_at else "",
                    "compute": plan.compute(),
                },
                inputs={"previous": tasks[-1]} if tasks else {},
                labels={**labels, "step": number, "source": source, "objective": word},
                places=places,
            )
        )
    return tasks


def check(tasks: list[Task]) -> None:
    """Raises a RequestError for beginnings that cannot be had, before any work starts."""
    from indomain.networks.weights import check_beginnings

    check_beginnings([(task.params["backbone"], task.params["start"], task.places["start"]) for task in tasks])


def run(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Learns one step; returns facts for the run's record."""
    from indomain.networks import architecture, weights
    from pretrain.lesson import Lesson

    word = task.params["objective"]
    listing = open_split(task.places)
    spec, seed = task.params["backbone"], task.params["seed"]
    backbone = architecture.backbone(spec)
    previous = inputs["previous"] / "model.keras" if "previous" in inputs else None
    weights.start(backbone, spec, task.places["start"] or task.params["start"], seed, previous)
    options = OBJECTIVES[word].options.model_validate(task.params["options"])
    measure = None
    if task.params["probe"]:
        from pretrain import probe

        looked_at = {key: task.places[f"probe_{key}"] for key in listing.places}
        measure = probe.measure(backbone, open_split(looked_at))
    learn = look_up({name: objective.function for name, objective in OBJECTIVES.items()}, word, "objective")
    facts = learn(Lesson(backbone, listing, options, seed, folder, note, measure))
    weights.save(backbone, folder / "model.keras")
    return facts
