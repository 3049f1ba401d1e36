"""A run of fusion: extract a network's features, fit a classifier on features, or fuse heads."""

from typing import Any

import numpy as np

from fusion import adaptation, distillation, external, heads
from fusion.fitting import fit, scores_of
from fusion.registry import classifier, rule
from indomain import files
from indomain.artifacts import fitted_classifier, predictions
from indomain.artifacts.features import read_features
from indomain.data.split import Split
from indomain.networks import architecture, features, weights
from indomain.networks.options import Architecture
from indomain.runs.stages import STAGES
from indomain.runs.task import Task, Work


def check(tasks: list[Task]) -> None:
    """Raises a RequestError for a layer that a backbone does not have, or a missing library, before any work starts."""
    if any(task.kind == "adapt" for task in tasks):
        adaptation.check()
    # Each network is built once, however many targets and layers ask for it.
    asked: dict[str, tuple[Architecture, set[str]]] = {}
    for task in tasks:
        if task.params.get("layer"):
            spec = Architecture.of(task.params["backbone"])
            asked.setdefault(files.digest_of(task.params["backbone"]), (spec, set()))[1].add(task.params["layer"])
    for spec, layers in asked.values():
        backbone = architecture.backbone(spec)
        for layer in sorted(layers):
            architecture.up_to(backbone, layer)


def run(work: Work) -> dict[str, Any]:
    """Executes a run of any kind; returns facts for the run's record."""
    kinds = {
        "features": _extract,
        "classify": _classify,
        "heads": heads.fuse,
        "distil": distillation.distil,
        "adapt": adaptation.run,
        external.KIND: _tested_elsewhere,
    }
    return kinds[work.task.kind](work)


def _extract(work: Work) -> dict[str, Any]:
    params, split = work.params, Split.open(work.task.paths)
    model = weights.load(work.inputs["network"] / "model.keras")
    part, layer = features.extractor(model, params["layer"], params.get("pooling", ["mean"]))
    rows = split.rows() if "rows" in params else split.labelled(params)["row"].to_numpy()
    images = split.images(params["backbone"]["shape"][-1])
    return {**features.extract(work.folder, part, images, rows), "layer": layer}


def _classify(work: Work) -> dict[str, Any]:
    params = work.params
    rows = Split.open(work.task.paths).labelled(params)
    y, groups = rows["y"].to_numpy(), rows["group"].to_numpy()
    blocks = [read_features(folder)(rows["row"].to_numpy()) for folder in work.inputs["features"]]
    X = np.concatenate(blocks, axis=1)
    widths = [block.shape[1] for block in blocks]

    def fitted_on(chosen: np.ndarray) -> tuple[Any, dict[str, Any]]:
        learner = classifier(params["classifier"], params["seed"])
        whole = rule(params.get("rule", "concat"))(widths, learner, params["components"])
        return fit(whole, learner, params.get("grid"), X=X[chosen], y=y[chosen], groups=groups[chosen])

    part = rows["split"].to_numpy()
    scores = np.zeros((len(rows), len(params["classes"])))
    is_test, is_validation = part == "test", (part == "val") & params.get("validate", False)
    if is_validation.any():
        # What is told of the validation images has not learnt from them; what is tested has.
        scores[is_validation] = _of_all_classes(fitted_on(part == "train")[0], X[is_validation], params["classes"])
    fitted, facts = fitted_on(~is_test)
    if params.get("save") or params.get("elsewhere"):
        fitted_classifier.write(work.folder / "classifier.skops", fitted)
    scores[is_test] = _of_all_classes(fitted, X[is_test], params["classes"])
    held_out = is_test | is_validation
    table = rows[held_out].reset_index(drop=True)
    predictions.write(work.folder / "predictions.csv", table, scores[held_out], params["classes"])
    return {"images": int((~is_test).sum()), **facts}


def _tested_elsewhere(work: Work) -> dict[str, Any]:
    """Predicts the images of another set with a classifier that has been fitted; returns facts for the run's record."""
    table = Split.open(work.task.paths).table()
    tested = table[table["split"] == "test"].reset_index(drop=True)
    fitted = fitted_classifier.read(work.inputs["classifier"] / "classifier.skops", STAGES)
    X = np.concatenate([read_features(folder)(tested["row"].to_numpy()) for folder in work.inputs["features"]], axis=1)
    scores = _of_all_classes(fitted, X, work.params["classes"])
    predictions.write(work.folder / "predictions.csv", tested, scores, work.params["classes"])
    return {"images": len(tested)}


def _of_all_classes(fitted: Any, X: np.ndarray, classes: list[str]) -> np.ndarray:
    """Scores (images, classes); 0 for a class that the training images did not have."""
    scores = np.zeros((len(X), len(classes)))
    scores[:, fitted.classes_.astype(int)] = scores_of(fitted, X)
    return scores
