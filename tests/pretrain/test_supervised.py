import numpy as np
import pandas as pd

from tests.pretrain.source import COUNT, learn, source


def test_with_validation_images_the_best_epoch_is_kept(tmp_path):
    # Classes by chance: it gets worse on the images that choose.
    labels = np.random.default_rng(0).permutation(np.arange(COUNT) % 2)
    split = source(tmp_path / "source", labels, validation=True)
    _, facts, log = learn("supervised", tmp_path, split, epochs=8, learning_rate=1e-2)
    assert facts["images"] == 36
    assert facts["chosen_epoch"] == log["val_loss"].idxmin() + 1 < 8


def test_without_validation_images_the_last_epoch_is_kept(tmp_path):
    _, facts, log = learn("supervised", tmp_path, epochs=2)
    assert facts["chosen_epoch"] == 2 and "val_loss" not in pd.DataFrame(log)
