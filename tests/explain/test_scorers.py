"""The scorer of a fused classifier, from the folders of its runs."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from explain.scorers import of_fusion
from indomain import files
from indomain.artifacts import fitted_classifier
from indomain.networks import architecture, features, inference, weights
from tests.small import SMALL


def network(seed):
    """The small network with weights of that seed, up to scores."""
    model = architecture.with_scores(architecture.with_head(architecture.backbone(SMALL), 2, 0.0))
    weights.initialise(model, seed)
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (300, 16, 16, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def kept(images, tmp_path_factory):
    """A classifier on the features of two networks of one architecture: its folder, theirs, and the features."""
    top = tmp_path_factory.mktemp("kept")
    members, blocks = [], []
    for seed in (1, 2):
        model = network(seed)
        extractor, layer = features.extractor(model, "", ["mean"])
        blocks.append(inference.predict_arrays(extractor, images))
        weights.save(model, top / f"network{seed}/model.keras")
        files.write_json(top / f"features{seed}/DONE", {"layer": layer})
        members.append((top / f"features{seed}", top / f"network{seed}"))
    joined, y = np.concatenate(blocks, axis=1), (images.mean(axis=(1, 2, 3)) > 127.5).astype(int)
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(joined, y)
    fitted_classifier.write(top / "classifier.skops", fitted)
    return top, members, fitted.predict_proba(joined)


def test_two_networks_of_one_architecture_keep_their_own_weights(kept, images):
    folder, members, expected = kept
    np.testing.assert_allclose(of_fusion(folder, members, ["mean"], 2)(images), expected, atol=1e-5)


def test_the_order_of_the_networks_is_that_of_their_features(kept, images):
    folder, members, expected = kept
    assert not np.allclose(of_fusion(folder, members[::-1], ["mean"], 2)(images), expected, atol=1e-3)


def test_a_class_that_was_not_among_the_training_images_has_the_score_nought(kept, images):
    folder, members, expected = kept
    scores = of_fusion(folder, members, ["mean"], 3)(images[:5])
    assert scores.shape == (5, 3) and (scores[:, 2] == 0).all()
    np.testing.assert_allclose(scores[:, :2], expected[:5], atol=1e-5)
