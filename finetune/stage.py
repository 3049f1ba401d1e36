"""Stage 2, fine-tuning: one network, one target, one fold, one label budget and one seed are one run.

    python -m finetune RECIPE

Reads the target's split and pictures, and the network that the chain's last step left. Writes `model.keras` (input
0–255, output `scores`), `predictions.csv` (validation and test images) and `log.csv`. Where the backbone does not change,
a `features` run puts the target's pictures through it once, and every fold, label budget and seed works on `features.npz`.
Feeds the rows of the table whose method is a strategy.
"""

import dataclasses
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from indomain.data.budget import budget_label, labelled_rows
from indomain.data.split import open_split
from indomain.errors import Diverged, RequestError, look_up, unknown
from indomain.networks.options import BackboneOptions
from indomain.progress import Note
from indomain.recipe.study import Plan
from indomain.runs.task import Task
from indomain.training import augmentation
from indomain.training.options import TrainingOptions

VERSION = 2
STRATEGIES = {
    "full": "finetune.full:fit",
    "off-the-shelf": "finetune.off_the_shelf:fit",
}


class Options(TrainingOptions):
    """[finetune]: strategies to compare and how to train."""

    strategies: list[str] = Field(default=["full"], min_length=1)
    head_rate: float = Field(default=10.0, gt=0)  # the new head learns so many times faster (Alzubaidi et al. 2021)
    frozen: float = Field(default=0.0, ge=0, le=1)  # share of the backbone's layers, from the input, that stay fixed
    regularisation: float = Field(default=1.0, gt=0)  # off-the-shelf: C of the logistic regression

    @field_validator("strategies")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in STRATEGIES:
                raise unknown("strategy", name, STRATEGIES)
        return value


# What a strategy does not use must not change its runs.
_USES = {"off-the-shelf": {"class_weights", "regularisation"}}


def _only_the_head(strategy: str, options: Options) -> bool:
    """Whether the backbone gives every picture the same features throughout."""
    return strategy == "off-the-shelf" or (options.frozen == 1 and options.augment == "none")


def plan(plan: Plan) -> list[Task]:
    """One task for each profile, target, backbone, chain, strategy, label budget, fold and seed."""
    tasks = []
    for profile in plan.recipe.profiles:
        options = plan.options("finetune", Options, profile)
        for target, its_options in plan.recipe.targets.items():
            folds = range(plan.target(target, profile).facts["folds"])
            every = product(options.strategies, its_options.budgets(), folds, plan.seeds(profile))
            arms = plan.recipe.arms(target, profile)
            for (backbone, chain, _), (strategy, budget, fold, seed) in product(arms, list(every)):
                labels: dict[str, Any] = {
                    "profile": profile,
                    "target": target,
                    "chain": chain,
                    "backbone": backbone.label,
                }
                labels |= {"method": strategy, "budget": budget_label(budget), "fold": fold, "seed": seed}
                tasks += _tasks(plan, options, backbone, budget, labels)
    return tasks


def _tasks(plan: Plan, options: Options, backbone: BackboneOptions, budget: dict, labels: dict[str, Any]) -> list[Task]:
    """One network's run, after that of the features that it works on, if it works on features."""
    profile, target, strategy, seed = (labels[key] for key in ("profile", "target", "method", "seed"))
    where = {key: labels[key] for key in ("profile", "target", "chain", "backbone")}
    own = plan.find("pretrain", **where, seed=seed)
    steps = own or plan.find("pretrain", **where)
    start, path = plan.beginning(plan.recipe.chains[labels["chain"]][0])
    # Features that do not depend on the seed make the same run: it is done, and counted, once.
    if strategy == "off-the-shelf" and not own and (steps or start != "random") and seed != plan.seeds(profile)[0]:
        return []
    listing = plan.target(target, profile)
    used = _USES.get(strategy)
    params = {
        "strategy": strategy,
        "options": options.model_dump(include=used, exclude=None if used else {"strategies", "regularisation"}),
        "listing": listing.digest,
        "fold": labels["fold"],
        "budget": budget,
        "validation": plan.recipe.target(target, profile).split.validation,
        "classes": listing.facts["classes"],
        "backbone": plan.backbone(backbone, target, profile),
        "start": "previous step" if steps else start,
        "seed": seed,
        "compute": plan.compute(),
    }
    confounder = plan.recipe.targets[target].confounder
    if confounder:
        if len(listing.facts["classes"]) != 2 or _only_the_head(strategy, options):
            raise RequestError(
                f"targets.{target}.confounder: the mark goes with one of two classes, and with networks that learn whole "
                '(strategies = ["full"], something not frozen or augmented).'
            )
        params["confounder"] = confounder.model_dump()
    inputs = {"pretrained": steps[-1]} if steps else {}
    places = {**listing.places, "start": path}
    augmentation.check(options.augment, params["backbone"]["shape"][-1], "finetune")
    network = Task("finetune", VERSION, params, inputs, labels, places)
    if not _only_the_head(strategy, options):
        return [network]
    kept = {key: params[key] for key in ("backbone", "start", "compute")}
    # Random weights are the seed's; any other beginning is the same for all.
    drawn = {"seed": seed} if not steps and start == "random" else {}
    shared = {**where, **({"seed": seed} if drawn or own else {}), "method": "features"}
    params = {"do": "features", "rows": listing.facts["rows"], **kept, **drawn}
    features = Task("finetune", VERSION, params, inputs, shared, places)
    return [features, dataclasses.replace(network, inputs={**inputs, "features": features})]


def check(tasks: list[Task]) -> None:
    """Raises a RequestError for beginnings that cannot be had, before any work starts."""
    from indomain.networks.weights import check_beginnings

    check_beginnings([(task.params["backbone"], task.params["start"], task.places["start"]) for task in tasks])


def run(task: Task, folder: Path, inputs: dict[str, Path], note: Note) -> dict[str, Any]:
    """Fits one network and predicts its validation and test images; returns facts for the run's record."""
    import numpy as np

    from indomain.artifacts import predictions
    from indomain.artifacts.features import read_features
    from indomain.data.images import confounders
    from indomain.networks import architecture, cache, features, inference, weights

    params = task.params
    listing = open_split(task.places)
    pictures = listing.pictures(params["backbone"]["shape"][-1])
    if params.get("do") == "features":
        rows = listing.rows()
        note(f"{len(rows)} images")
        return features.write(folder, _started(task, inputs), pictures, rows)
    table = labelled_rows(listing.table(params["fold"]), params["budget"], params["validation"])
    if params.get("confounder"):
        pictures = confounders.marked(pictures, table, params["confounder"])
    options = Options.model_validate(params["options"])
    backbone = _started(task, inputs, options.frozen)
    fit = look_up(STRATEGIES, params["strategy"], "strategy")
    known = read_features(inputs["features"]) if "features" in inputs else None
    # A strategy that only learns the head sees features for pictures, and a network that begins there.
    base, seen = (features.stand_in(backbone), known) if known else (backbone, pictures)
    head, facts = fit(base, table, seen, len(params["classes"]), options, params["seed"], folder, note)
    logits = features.joined(backbone, head) if known else head
    model = cache.cached_for(logits, ("scores",), lambda: architecture.with_scores(logits))
    weights.save(model, folder / "model.keras")
    shown = table[table["split"] != "train"].reset_index(drop=True)
    predicting = cache.cached_for(head, ("scores",), lambda: architecture.with_scores(head)) if known else model
    scores = inference.predict(predicting, seen, shown["row"].to_numpy())
    if not np.isfinite(scores).all():
        raise Diverged("the network's scores are no numbers")
    predictions.write(folder / "predictions.csv", shown, scores, params["classes"])
    return facts


def _started(task: Task, inputs: dict[str, Path], frozen: float = 0.0) -> Any:
    """The backbone as the chain left it."""
    from indomain.networks import architecture, weights

    spec = task.params["backbone"]
    backbone = architecture.backbone(spec, frozen)
    previous = inputs["pretrained"] / "model.keras" if "pretrained" in inputs else None
    # The features of a network that is not drawn are the same for every seed.
    weights.start(backbone, spec, task.places["start"] or task.params["start"], task.params.get("seed", 0), previous)
    return backbone
