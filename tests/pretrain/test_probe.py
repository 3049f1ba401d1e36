import numpy as np
import pandas as pd
import pytest

from indomain.data.split import Split
from indomain.networks import architecture, weights
from pretrain import probe
from tests.pretrain.source import SMALL, source


def test_neighbours_tell_classes_apart_that_lie_apart():
    y = np.repeat([0, 1], 12)
    noise = np.random.default_rng(0).normal(0, 0.05, (24, 2))
    features = np.stack([np.cos(y * 1.5), np.sin(y * 1.5)], axis=1) + noise
    assert probe.knn_accuracy(features, y, np.arange(24).astype(str)) == 1.0


def test_neighbours_are_other_patients():
    # Each image has twins of its own patient that would give its label away.
    features = np.repeat(np.random.default_rng(0).normal(size=(30, 9)), 5, axis=0)
    y = np.repeat([0, 1] * 15, 5)
    assert probe.knn_accuracy(features, y, np.arange(150).astype(str)) == 1.0
    assert probe.knn_accuracy(features, y, np.repeat(np.arange(30), 5).astype(str)) < 0.75


def test_every_class_counts_alike():
    # Ninety of a hundred are class 0, and the ten others lie among them: "always 0" is worth one half.
    y = np.array([0] * 90 + [1] * 10)
    features = np.random.default_rng(0).normal(size=(100, 3))
    features[90:] = features[:10] + 1e-3
    assert probe.knn_accuracy(features, y, np.arange(100).astype(str)) == pytest.approx(0.5, abs=0.12)


@pytest.fixture
def split(tmp_path):
    """The small source, a third of which tests: those images have labels by chance."""
    labels = np.arange(48) % 2
    labels[32:] = np.random.default_rng(0).integers(0, 2, 16)
    made = source(tmp_path, labels)
    table = pd.read_csv(tmp_path / "split.csv", keep_default_na=False)
    table.loc[32:, "split"] = "test"
    table.to_csv(tmp_path / "split.csv", index=False)
    return Split(made.folder, made.prepared, made.info)


def test_the_probe_follows_the_backbone_and_uses_no_test_image(split):
    backbone = architecture.backbone(SMALL)
    weights.initialise(backbone, 0)
    measure = probe.measure(backbone, split)
    # Dark and light images lie apart even in a network of random weights, and the test images' labels would spoil it.
    assert measure()["probe_knn"] > 0.9
    backbone.get_layer("fc1").set_weights([np.zeros_like(w) for w in backbone.get_layer("fc1").get_weights()])
    assert measure()["probe_knn"] < 0.9
