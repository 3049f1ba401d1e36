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
    """Images of two classes that differ in brightness; a quarter of them chooses."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 2
    images = rng.integers(0, 120, (count, 16, 16, 1)).astype(np.uint8) + (100 * y[:, None, None, None]).astype(np.uint8)
    split = np.where(np.arange(count) % 4 == 0, "val", "train")
    table = pd.DataFrame({"row": np.arange(count), "y": y, "split": split})
    return Examples(lambda rows: images[rows], table)


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
