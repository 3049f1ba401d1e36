import numpy as np
import pandas as pd

from indomain.artifacts import source_head
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


def test_the_backbone_goes_on_without_the_head_which_is_kept_beside_it(tmp_path):
    step = step_of("supervised", tmp_path, epochs=4, learning_rate=1e-2)
    supervised.pretrain(step)
    assert step.backbone.layers[-1].name == "fc1"
    rows = step.training_rows()
    features = step.backbone.predict(step.images()(rows), verbose=0)
    y = step.split.table().set_index("row").loc[rows, "y"].to_numpy()
    found = source_head.probabilities(tmp_path, features)
    assert found.shape == (len(rows), 2) and (found.argmax(axis=1) == y).mean() > 0.7
