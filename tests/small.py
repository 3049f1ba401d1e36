"""What several tests share: a small network, a small problem that can be learnt, and comparisons to the bit."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.options import TrainingOptions
from indomain.training.trainer import Trainer

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
    return fit_classifier(backbone, problem(), 2, Trainer(options, seed, folder), head_lr_factor)


def values_of(model: keras.Model) -> list[np.ndarray]:
    """Copies of a network's weights."""
    return [np.array(weight) for weight in model.weights]


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    """Whether two lists of arrays are equal to the bit."""
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second))
