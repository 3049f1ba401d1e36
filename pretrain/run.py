"""A run of pretraining: one step of a chain."""

from pathlib import Path
from typing import Any

from indomain.data.split import Split
from indomain.errors import look_up
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.runs.task import Task, Work
from indomain.training import deep_supervision
from indomain.training.trainer import Trainer
from pretrain import probe
from pretrain.objectives import OBJECTIVES
from pretrain.step import PretrainingStep


def check(tasks: list[Task]) -> None:
    """Raises a RequestError for initial weights or layers that are not available, before any work starts."""
    weights.check_starts(
        (Architecture.of(task.params["backbone"]), task.params["start"], task.paths["start"]) for task in tasks
    )
    for task in tasks:
        objective = task.params["objective"]
        if "auxiliary" in task.params["options"]:
            backbone = architecture.backbone(Architecture.of(task.params["backbone"]))
            deep_supervision.check(backbone, task.params["options"]["auxiliary"], f"pretrain.{objective}")


def run(work: Work) -> dict[str, Any]:
    """Trains a backbone on one step and saves it; returns facts for the run's record."""
    params, paths = work.params, work.task.paths
    spec = Architecture.of(params["backbone"])
    backbone = architecture.backbone(spec)
    previous: Path | None = work.inputs["previous"] / "model.keras" if "previous" in work.inputs else None
    weights.start(backbone, spec, paths["start"] or params["start"], params["seed"], previous)
    after_epoch = probe.measure(backbone, Split.open(paths, "probe_")) if params["probe"] else None
    objective = OBJECTIVES[params["objective"]]
    options = objective.options.model_validate(params["options"])
    trainer = Trainer(options, params["seed"], work.folder, work.progress, after_epoch)
    learn = look_up({params["objective"]: objective.function}, params["objective"], "objective")
    facts = learn(PretrainingStep(backbone, Split.open(paths), trainer))
    weights.save(backbone, work.folder / "model.keras")
    return facts
