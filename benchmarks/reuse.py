"""What one more costs: a further seed, and a further classifier on features that are there already."""

import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline

from benchmarks.ratios import seconds_of, write
from fusion import FeatureFusion
from fusion.registry import CLASSIFIERS, classifier
from indomain.networks import architecture, inference, weights
from indomain.networks.options import Architecture
from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.task import find
from indomain.runs.worker import run_one

RECIPE = """
title = "Seeds"
seeds = [0, 1, 2, 3, 4, 5]
backbones = ["squeezenet"]
[targets.humerus]
set = "phantom/humerus"
split = { scheme = "official", validation = 0.2 }
[chains]
random = ["random"]
[finetune]
epochs = 15
augment = "basic"
"""


def seeds(root: Path) -> dict[str, Any]:
    """Whole runs (start, training, predictions, saving, record) against the epochs in their logs."""
    (root / "seeds.toml").write_text(RECIPE)
    name, recipe, base = load_recipe(str(root / "seeds.toml"))
    runs = RunsFolder(root / "runs")
    study = Study(name, recipe, base, runs, root, root / "cache", quiet=True)
    costs, trainings = [], []
    for task in find(make_plan(study), "finetune"):
        costs.append(seconds_of(lambda task=task: run_one(task, runs)))
        trainings.append(pd.read_csv(runs.folder(task) / "log.csv")["seconds"].sum())
    # The first run builds and traces the network.
    pairs = list(zip(costs, trainings))[1:]
    what = "a further seed, squeezenet 64 px, 15 epochs of the phantom humerus: its whole run over its epochs alone"
    ratio = median(cost / training for cost, training in pairs)
    ours, other = median(c for c, _ in pairs), median(t for _, t in pairs)
    return {"what": what, "ours": round(ours, 2), "other": round(other, 2), "ratio": round(ratio, 3), "limit": "< 1.05"}


def classifiers() -> dict[str, Any]:
    """Ten classifiers and five folds on the 1,664 features of the dcnn's last block, 1,000 images.

    Without cached features each of the fifty fits would extract them again. One extraction and all fits are timed in
    turn, five times; the other side is fifty times the one plus the other.
    """
    images = np.random.default_rng(0).integers(0, 256, (1000, 64, 64, 3), np.uint8)
    model = architecture.backbone(Architecture("dcnn", 1, (64, 64, 3)))
    weights.initialise(model, 0)
    part = architecture.up_to(model, "pool")
    y = np.arange(1000) % 2
    found: dict[str, np.ndarray] = {}

    def extract() -> None:
        found["features"] = inference.predict(part, lambda rows: images[rows], np.arange(1000))

    def fit() -> None:
        for train, test in StratifiedKFold(5).split(images, y):
            for name in CLASSIFIERS:
                learner = classifier(name, 0)
                fitted = make_pipeline(FeatureFusion(), learner).fit(found["features"][train], y[train])
                fitted.predict_proba(found["features"][test])

    extract()
    assert found["features"].shape == (1000, 1664)
    fits = 5 * len(CLASSIFIERS)
    pairs = [(seconds_of(extract), seconds_of(fit)) for _ in range(5)]
    ours, other = (median(times * one + all_fits for one, all_fits in pairs) for times in (1, fits))
    ratio = median((fits * one + all_fits) / (one + all_fits) for one, all_fits in pairs)
    what = "ten classifiers, 5 folds, 1000 images, 1664 features of dcnn at 64 px; times as fast as extracting for each fit"
    return {"what": what, "ours": round(ours, 1), "other": round(other, 1), "ratio": round(ratio, 1), "limit": 10}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write("reuse", [classifiers(), seeds(Path(folder))])


if __name__ == "__main__":
    main()
