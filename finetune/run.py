"""A run of fine-tuning: fit one network on one fold, or compute or read the features of a backbone that does not change."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from finetune import adaptation, adapting, external, on_features, slim, surgical, truncated, tuning
from finetune.plan import Options
from finetune.strategies import PARTIAL, SLIM, STRATEGIES, SURGICAL, TRUNCATED, fit_function, strategy_of
from indomain import files
from indomain.artifacts import predictions, synthetic
from indomain.artifacts.features import read_features, write_features
from indomain.data.features_file import FeaturesFile
from indomain.data.images import confounders
from indomain.data.split import Split
from indomain.errors import Diverged, RequestError
from indomain.networks import architecture, arithmetic, features, inference, weights
from indomain.networks.options import Architecture
from indomain.runs.task import Task, Work
from indomain.training import deep_supervision
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer

# Strategies that name layers of the backbone.
_NAMING_LAYERS = (SURGICAL, PARTIAL, TRUNCATED, SLIM, "deeply-supervised")


def check(tasks: list[Task]) -> None:
    """Raises a RequestError for initial weights, layers or features that are not available, before any work starts."""
    tasks = [task for task in tasks if task.kind != external.KIND]
    networks = [task for task in tasks if "backbone" in task.params]
    given = {(task.paths["start"], task.paths["split"]): task for task in tasks if "backbone" not in task.params}
    for task in given.values():
        FeaturesFile.read(Path(task.paths["start"])).of(Split.open(task.paths))
    for task in networks:
        # A choice among candidates trains nothing itself.
        kind = strategy_of(task.params.get("strategy", ""))
        if kind in _NAMING_LAYERS and "candidates" not in task.params:
            options = Options.model_validate(task.params["options"])
            backbone = architecture.backbone(Architecture.of(task.params["backbone"]))
            if kind in (TRUNCATED, SLIM):
                (cut,) = getattr(options, kind).values()
                truncated.check(backbone, cut, f"finetune.{kind}", searches=kind == TRUNCATED)
                if kind == SLIM:
                    slim.with_slim_top(backbone, cut)
            elif kind in (SURGICAL, PARTIAL):
                (patterns,) = getattr(options, kind).values()
                surgical.fitting(backbone, patterns, f"finetune.{kind}")
            else:
                deep_supervision.check(backbone, options.auxiliary, "finetune")
    weights.check_starts(
        (Architecture.of(task.params["backbone"]), task.params["start"], task.paths["start"]) for task in networks
    )


def run(work: Work) -> dict[str, Any]:
    """Fits one network and predicts its validation and test images, computes features, or chooses among networks.

    Args:
        work: the task, its folder and its inputs.

    Returns:
        Facts for the run's record.

    Raises:
        Diverged: the loss, the features or the scores are not finite.
    """
    if "candidates" in work.inputs:
        return tuning.choose(work)
    params, split = work.params, Split.open(work.task.paths)
    if work.task.kind == external.KIND:
        return _tested_elsewhere(work, split)
    if work.task.kind == "features" and "backbone" not in params:
        path = Path(work.task.paths["start"])
        rows, values = FeaturesFile.read(path).of(split)
        if f"sha256:{files.file_sha256(path)}" != params["start"]:
            raise RequestError(f"{path} has changed since this recipe was planned. Start it again.")
        write_features(work.folder, rows, values)
        return {"images": len(rows), "features": int(values.shape[1])}
    if work.task.kind == "features":
        work.progress(f"{len(split.rows())} images")
        rows = split.rows()
        return features.extract(work.folder, _backbone(work), split.images(params["backbone"]["shape"][-1]), rows)
    if work.task.kind == adapting.KIND:
        options = Options.model_validate(params["options"])
        trainer = Trainer(options, params["seed"], work.folder, work.progress)
        return adaptation.run(work, _backbone(work, options.frozen), trainer)
    table = split.labelled(params)
    held_out = table[table["split"] != "train"].reset_index(drop=True)
    is_validation = (held_out["split"] == "val").to_numpy()
    model, scores, facts = _fitted(work, split, table, held_out)
    if STRATEGIES[strategy_of(params["strategy"])].learns_from_validation and is_validation.any():
        # There was nothing to choose on the validation images: what is tested learns from them, too.
        unseen = scores[is_validation]
        model, scores, facts = _fitted(work, split, table.replace({"split": {"val": "train"}}), held_out)
        scores[is_validation] = unseen
    weights.save(model, work.folder / "model.keras")
    if not np.isfinite(scores).all():
        raise Diverged("the network's scores are not finite")
    predictions.write(work.folder / "predictions.csv", held_out, scores, params["classes"])
    timed = {"latency_ms": arithmetic.latency_ms(model)} if params.get("latency") else {}
    return {**facts, **arithmetic.size(model), **timed}


def _tested_elsewhere(work: Work, split: Split) -> dict[str, Any]:
    """Predicts the images of another set with a network that has been fitted; returns facts for the run's record."""
    table = split.table()
    tested = table[table["split"] == "test"].reset_index(drop=True)
    model = weights.load(work.inputs["network"] / "model.keras")
    scores = inference.predict(model, split.images(model.input_shape[-1]), tested["row"].to_numpy())
    if not np.isfinite(scores).all():
        raise Diverged("the network's scores are not finite")
    predictions.write(work.folder / "predictions.csv", tested, scores, work.params["classes"])
    return {"images": len(tested)}


def _fitted(
    work: Work, split: Split, table: pd.DataFrame, held_out: pd.DataFrame
) -> tuple[keras.Model, np.ndarray, dict[str, Any]]:
    """Fits the network to the training images of a table.

    Args:
        work: the run's.
        split: the target's.
        table: the images to learn from and to choose the epoch on, one row each.
        held_out: the images to predict.

    Returns:
        The network from images to scores, the scores (images, classes) of `held_out`, and facts for the run's record.
    """
    params = work.params
    options = Options.model_validate(params["options"])
    trainer = Trainer(options, params["seed"], work.folder, work.progress)
    if "backbone" not in params:
        given = read_features(work.inputs["features"])
        return on_features.fit(None, Examples(given, table), held_out, params, trainer)
    backbone = _backbone(work, options.frozen, trained=_trained(work))
    if "features" in work.inputs:
        stored = read_features(work.inputs["features"])
        return on_features.fit(backbone, Examples(stored, table), held_out, params, trainer)
    images: Any = split.images(params["backbone"]["shape"][-1])
    if "confounder" in params:
        images = confounders.marked(images, table, params["confounder"])
    fit = fit_function(params["strategy"])
    examples, more = Examples(*_mixed(work, images, table)), {}
    if STRATEGIES[strategy_of(params["strategy"])].reads_source_head:
        more["source"] = work.inputs["pretrained"]
    network, facts = fit(backbone, examples, len(params["classes"]), trainer, **more)
    model = architecture.with_scores(network)
    return model, inference.predict(model, images, held_out["row"].to_numpy()), facts


def _mixed(work: Work, images: Any, table: pd.DataFrame) -> tuple[Any, pd.DataFrame]:
    """The images and the table, with synthetic training images among them where the row asks for it."""
    mixture = work.params.get("mixture")
    if mixture is None:
        return images, table
    made = synthetic.read(work.inputs["synthetic"]) if "synthetic" in work.inputs else None
    return synthetic.mixed(images, table, made, mixture["amount"], mixture["real"], mixture["times"])


def _trained(work: Work) -> tuple[str, ...] | None:
    """The layers to train, where the strategy names them; else None."""
    params = work.params
    if strategy_of(params["strategy"]) != SURGICAL:
        return None
    (patterns,) = Options.model_validate(params["options"]).surgical.values()
    return tuple(surgical.rates_of(architecture.backbone(Architecture.of(params["backbone"])), patterns))


def _backbone(work: Work, frozen: float = 0.0, trained: tuple[str, ...] | None = None) -> keras.Model:
    """The backbone with the weights of the chain's last step."""
    params, paths = work.params, work.task.paths
    spec = Architecture.of(params["backbone"])
    backbone = architecture.backbone(spec, frozen, trained)
    previous = work.inputs["pretrained"] / "model.keras" if "pretrained" in work.inputs else None
    # A features task has no seed where the weights are not random: the features are then the same for every seed.
    weights.start(backbone, spec, paths["start"] or params["start"], params.get("seed", 0), previous)
    return backbone
