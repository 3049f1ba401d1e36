"""From images to scores: of a network, with its features in one pass, and of a classifier that lacks a class."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from indomain.networks import architecture, inference, scoring, weights
from tests.small import SMALL


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (300, 16, 16, 1)).astype(np.float32)


def network(seed):
    model = architecture.with_scores(architecture.with_head(architecture.backbone(SMALL), 2, 0.0))
    weights.initialise(model, seed)
    return model


def test_the_scores_of_a_network_do_not_depend_on_how_images_are_batched(images):
    score = scoring.of_network(network(0))
    alone = np.concatenate([score(images[place : place + 20]) for place in range(0, 300, 20)])
    np.testing.assert_allclose(score(images), alone, atol=1e-5)


def test_scores_and_features_come_in_one_pass(images):
    model = network(0)
    scores, features = inference.predict_parts(scoring.with_features(model), images[:20])
    np.testing.assert_allclose(scores, inference.predict_arrays(model, images[:20]), atol=1e-5)
    kernel, bias = model.get_layer("logits").get_weights()
    logits = features @ kernel + bias
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), scores, atol=1e-4)


def test_a_class_that_the_classifier_does_not_know_has_the_score_nought():
    X = np.random.default_rng(0).normal(size=(20, 3))
    fitted = LogisticRegression().fit(X, np.arange(20) % 2 * 2)
    scores = scoring.classified(fitted, X, 3)
    assert (scores[:, 1] == 0).all() and np.allclose(scores.sum(axis=1), 1)


def test_files_of_one_architecture_keep_their_own_weights(images, tmp_path):
    for seed in (1, 2):
        weights.save(network(seed), tmp_path / f"{seed}.keras")
    models = scoring.extractors([tmp_path / "1.keras", tmp_path / "2.keras"], ["", ""], ["mean"])
    one, two = (inference.predict_arrays(model, images[:5]) for model in models)
    assert not np.allclose(one, two, atol=1e-3)
