"""What the tests of synthesis share: players of the smallest size, and a study whose target has a generator."""

import numpy as np

from indomain.training import model as training_model
from synthesis.adversarial import Adversarial, adversarial, initialise
from synthesis.options import GANOptions
from synthesis.registry import GENERATORS

SHAPE = (16, 16, 1)
OPTIONS = GANOptions(steps=4, width=16, noise=8, batch=8)

STUDY = """
title = "Small synthesis"
size = 16
drop_leaks = true
backbones = [{ name = "dcnn-light", width = 0.125 }]
[targets.wrist]
set = "small.toml:all-but-elbow"
split = { scheme = "kfold", folds = 2, validation = 0.25 }
[sources.elbow]
set = "small.toml:elbow"
[baseline]
backbones = []
[chains]
random = ["random"]
[synthesis]
generators = ["dcgan"]
amounts = [0.5, 2.0]
[synthesis.dcgan]
steps = 40
width = 16
noise = 8
batch = 8
"""


def players(name: str, classes: int = 0, seed: int = 0) -> Adversarial:
    """Players with the weights of a seed."""
    model = adversarial(GENERATORS[name], OPTIONS, SHAPE, classes)
    initialise(model, seed)
    training_model.reset(model, OPTIONS.learning_rate, seed)
    training_model.set_schedule(model, OPTIONS, 10)
    return model


def pictures(count: int = 16) -> np.ndarray:
    """Dark discs on a bright ground."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:16, :16]
    middle = rng.uniform(5, 11, (count, 2, 1, 1))
    inside = (rows - middle[:, 0]) ** 2 + (columns - middle[:, 1]) ** 2 < rng.uniform(6, 20, (count, 1, 1))
    return np.where(inside, 60, 200).astype(np.uint8)[..., None]
