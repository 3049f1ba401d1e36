"""A finished run becomes a folder with everything that is needed to use its model elsewhere."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import __version__, files
from indomain.artifacts import exported, fitted_classifier, predictions
from indomain.artifacts.exported import ExportedModel
from indomain.artifacts.record import read_record
from indomain.data import domains
from indomain.data.manifest import Manifest
from indomain.data.prepared import UNTREATED
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.models import card
from indomain.models.choosing import Chosen
from indomain.networks import inference, scoring, seen
from indomain.networks.calibration import temperature
from indomain.progress import track
from indomain.recipe.study import Study
from indomain.runs.stages import STAGES

MOST = 5000  # images of each part whose features describe what the model has learnt from


def export(study: Study, chosen: Chosen, name: str, folder: Path, licence: str, quiet: bool = False) -> ExportedModel:
    """Writes the model of a run.

    Args:
        study: the recipe and its data.
        chosen: the run.
        name: the model's name.
        folder: where to write it; nothing may be there.
        licence: of the model, as text.
        quiet: show no progress.

    Raises:
        RequestError: something is there already.
    """
    if folder.exists():
        raise RequestError(f"{folder} is there already; remove it, or choose another name.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = folder.with_name(f".{folder.name}.exporting")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        content = _content(study, chosen, name, licence)
        for network, entry in zip(chosen.networks, content["networks"]):
            shutil.copyfile(study.runs.folder(network) / "model.keras", building / entry["file"])
        if content["classifier"]:
            shutil.copyfile(study.runs.folder(chosen.task) / "classifier.skops", building / exported.CLASSIFIER)
        known = _seen(study, chosen, building, content, quiet)
        seen.write(building / exported.SEEN, known)
        content["data"]["learnt_from"] = len(known.sha256)
        files.write_text(building / exported.CARD, card.render(content))
        exported.write(building, content)
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return exported.read(folder)


def _content(study: Study, chosen: Chosen, name: str, licence: str) -> dict[str, Any]:
    """What `model.json` says."""
    task, first = chosen.task, chosen.networks[0]
    split = Split.open(task.paths)
    info = split.info
    prepared = split.prepared[0]
    rows = split.labelled(task.params)
    learnt = rows[rows["split"] == "train"]
    shapes = [network.params["backbone"]["shape"] for network in chosen.networks]
    layers = [read_record(study.runs.folder(member)).facts.get("layer", "") for member in chosen.extracted] or [""]
    manifests = study.pool_of(study.recipe.targets[str(task.tags.target)]).manifests
    beginnings = [
        study.beginning(arm.chain)
        for arm in study.recipe.arms(str(task.tags.target))
        if arm.chain.name == first.tags.chain
    ]
    sources = [Split.open(step.paths).info for step in chosen.steps]
    return {
        "name": name,
        "title": study.recipe.title,
        "created": time.strftime("%Y-%m-%d"),
        "indomain": __version__,
        "licence": licence,
        "classes": info.classes,
        "positive": info.positive,
        "input": {
            "shape": [*shapes[0][:2], max(shape[2] for shape in shapes)],
            "grey": files.read_json(prepared / "set.json")["channels"] == 1,
            "fit": files.read_json(prepared / "set.json")["fit"],
            "contrast": "n-clahe" if (prepared / UNTREATED).is_file() else "as it is",
        },
        "networks": [
            {"file": f"network-{number}.keras", "backbone": network.params["backbone"], "layer": layer}
            for number, (network, layer) in enumerate(zip(chosen.networks, layers))
        ],
        "classifier": task.kind == "classify",
        "pooling": chosen.extracted[0].params.get("pooling", ["mean"]) if chosen.extracted else ["mean"],
        "temperature": _temperature(study.runs.folder(task), info.classes),
        "run": {
            "recipe": study.name,
            "paper": study.recipe.paper,
            "digest": task.digest,
            "trainings": chosen.of,
            **task.tags.words(),
        },
        "data": {
            "target": {
                "set": info.set,
                "title": info.title,
                "citation": info.citation,
                "licence": _licences(manifests),
                "synthetic": info.synthetic,
                "stand_in": info.stand_in,
                "images": len(learnt),
                "patients": int(learnt["group"].nunique()) if info.has_patients else None,
                "classes": {name: int((learnt["y"] == number).sum()) for number, name in enumerate(info.classes)},
            },
            "sources": [{"set": source.set, "title": source.title, "citation": source.citation} for source in sources],
            "beginnings": sorted({beginning.title for beginning in beginnings}),
        },
        "trained_on": sorted(
            {
                info.set,
                *(source.set for source in sources),
                *(name for beginning in beginnings for name in beginning.trained_on),
            }
        ),
        "metrics": _metrics(study, chosen),
    }


def _licences(manifests: list[Manifest]) -> str:
    return "; ".join(dict.fromkeys(manifest.licence for manifest in manifests))


def _temperature(folder: Path, classes: list[str]) -> float | None:
    """The temperature fitted on validation images; None where the run has predicted none."""
    table, y, scores = predictions.read(folder / "predictions.csv", classes)
    held_out = (table["split"] == "val").to_numpy()
    return round(temperature(y[held_out], scores[held_out]), 4) if held_out.any() else None


def _metrics(study: Study, chosen: Chosen) -> list[dict[str, Any]]:
    """The rows of the recipe's table about the same procedure; [] before the table is there."""
    path = study.runs.path / study.name / "table.csv"
    if not path.is_file():
        return []
    table = pd.read_csv(path, dtype={"budget": str})
    words = chosen.task.tags.words()
    for key in ("profile", "target", "budget", "chain", "backbone", "method"):
        table = table[table[key].astype(str) == str(words.get(key, ""))]
    columns = ["level", "metric", "mean", "ci_low", "ci_high", "n_runs", "n_images", "n_patients"]
    columns += ["difference", "difference_low", "difference_high", "verdict", "compared_with"]
    shown = table[columns].astype(object)
    return shown.where(shown.notna(), None).to_dict("records")


def _seen(study: Study, chosen: Chosen, folder: Path, content: dict[str, Any], quiet: bool) -> seen.Seen:
    """What images the model has learnt from, and what they are like."""
    task = chosen.task
    split = Split.open(task.paths)
    rows = split.labelled(task.params)
    learnt = rows.loc[rows["split"] != "test", "row"].to_numpy()
    parts = [(split, learnt), *((Split.open(step.paths), _learnt(Split.open(step.paths))) for step in chosen.steps)]
    if "sources" in task.params:
        parts += [(source, _learnt(source)) for source, _ in domains.sources(task.paths, task.params)]
    marked = [
        seen.marks(source, rows_of_it) for source, rows_of_it in track(parts, "images learnt from", len(parts), quiet)
    ]
    sha256, hashes = (np.concatenate(of_all) for of_all in zip(*marked))
    features = features_of(folder, content)
    images = split.images(content["input"]["shape"][-1])
    train = rows.loc[rows["split"] == "train", "row"].to_numpy()
    # Of validation images an epoch is chosen at most.
    others = rows.loc[rows["split"] != "train", "row"].to_numpy()
    few = [np.sort(np.random.default_rng(0).permutation(part)[:MOST]) for part in (train, others)]
    return seen.describe(sha256, hashes, *(features(images(part)) for part in few))


def features_of(folder: Path, content: dict[str, Any]) -> Any:
    """A function from images (n, rows, columns, channels), 0–255, to the features by which they are compared, (n, d).

    Args:
        folder: the model's.
        content: that of `model.json`.
    """
    networks = [folder / entry["file"] for entry in content["networks"]]
    models = scoring.extractors(networks, [entry["layer"] for entry in content["networks"]], content["pooling"])

    def features(images: np.ndarray) -> np.ndarray:
        return np.concatenate([inference.predict_arrays(model, images) for model in models], axis=1)

    return features


def classifier_of(model: ExportedModel) -> Any:
    """The classifier of an exported model, read without executing any code of the file."""
    assert model.classifier
    return fitted_classifier.read(model.classifier, STAGES)


def _learnt(source: Split) -> np.ndarray:
    table = source.table()
    return table.loc[table["split"].isin(["train", "val"]), "row"].to_numpy()
