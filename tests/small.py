"""What several tests share: a small network, a small problem that can be learnt, and comparisons to the bit."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.options import TrainingOptions
from indomain.training.trainer import Trainer
from tests.conftest import SMALL_MANIFEST

SMALL = Architecture("dcnn-light", 0.125, (16, 16, 1))


def problem(count: int = 48) -> Examples:
    """Images whose brightness is their class, with noise; a quarter of them chooses the epoch."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 2
    bright = 90 + 70 * y[:, None, None, None] + rng.normal(0, 30, (count, 16, 16, 1))
    images = np.clip(bright, 0, 255).astype(np.uint8)
    split = np.where(np.arange(count) % 4 == 3, "val", "train")
    return Examples(lambda rows: images[rows], pd.DataFrame({"row": np.arange(count), "y": y, "split": split}))


def fit_small(
    folder: Path, options: TrainingOptions, seed: int = 0, frozen: float = 0.0, head_lr_factor: float = 1.0
) -> tuple[keras.Model, dict[str, Any]]:
    """Fits the small network to the small problem; returns it up to `logits`, and facts."""
    backbone = architecture.backbone(SMALL, frozen)
    weights.start(backbone, SMALL, "random", seed)
    folder.mkdir(parents=True, exist_ok=True)
    return fit_classifier(backbone, problem(), 2, Trainer(options, seed, folder), {"logits": head_lr_factor})


def values_of(model: keras.Model) -> list[np.ndarray]:
    """Copies of a network's weights."""
    return [np.array(weight) for weight in model.weights]


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Whether two lists of arrays are equal to the bit."""
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second))


RECIPE = """
title = "Small"
size = 32
seeds = [0, 1]
drop_leaks = true
backbones = [{ name = "dcnn-light", width = 0.125 }]
[targets.wrist]
set = "small.toml:wrist"
split = { scheme = "kfold", folds = 2, validation = 0.25 }
[sources.elbow]
set = "small.toml:elbow"
[baseline]
backbones = []
[chains]
random = ["random"]
"""


def study_of(folder: Path, cache_dir: Path, *settings: str, text: str = RECIPE) -> Study:
    """A recipe on a phantom of 16 patients a part, met with its data.

    Args:
        folder: where recipe, manifest and runs are; a second study in it finds the splits of the first.
        cache_dir: of prepared sets.
        settings: `key=value`, replace keys of the recipe.
        text: the recipe.
    """
    (folder / "small.toml").write_text(SMALL_MANIFEST)
    (folder / "recipe.toml").write_text(text)
    name, recipe, base = load_recipe(str(folder / "recipe.toml"), list(settings))
    return Study(name, recipe, base, RunsFolder(folder / "runs"), Path("none"), cache_dir, quiet=True)
