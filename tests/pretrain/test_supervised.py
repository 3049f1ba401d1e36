import numpy as np
import pandas as pd

from pretrain import supervised
from tests.pretrain.source import COUNT, source, step_of


def test_with_validation_images_the_best_epoch_is_kept(tmp_path):
    # Classes by chance: it gets worse on the images that choose.
    labels = np.random.default_rng(0).permutation(np.arange(COUNT) % 2)
    split = source(tmp_path / "source", labels, validation=True)
    facts = supervised.pretrain(step_of("supervised", tmp_path, split, epochs=8, learning_rate=1e-2))
    log = pd.read_csv(tmp_path / "log.csv")
    assert facts["images"] == 36
    assert facts["chosen_epoch"] == log["val_loss"].idxmin() + 1 < 8


def test_without_validation_images_the_last_epoch_is_kept(tmp_path):
    facts = supervised.pretrain(step_of("supervised", tmp_path, epochs=2))
    assert facts["chosen_epoch"] == 2 and "val_loss" not in pd.read_csv(tmp_path / "log.csv")


def test_the_head_is_thrown_away(tmp_path):
    step = step_of("supervised", tmp_path, epochs=1)
    supervised.pretrain(step)
    assert step.backbone.layers[-1].name == "fc1"
