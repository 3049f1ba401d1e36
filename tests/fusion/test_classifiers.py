"""The classifiers: each learns, gives scores, and takes very few images."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from fusion import FeatureFusion, classifiers
from fusion.registry import CLASSIFIERS, classifier
from tests.fusion.features import three_networks

every = pytest.mark.parametrize("name", list(CLASSIFIERS))


@every
def test_every_classifier_learns_and_gives_scores(name):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    features = rng.normal(size=(90, 6)) + 3 * np.eye(3, 6)[y]
    whole = make_pipeline(FeatureFusion([2, 4]), classifier(name, 0))
    scores = whole.fit(features[:60], y[:60]).predict_proba(features[60:])
    assert scores.shape == (30, 3) and np.allclose(scores.sum(axis=1), 1)
    assert (scores.argmax(axis=1) == y[60:]).mean() > 0.7


@every
def test_every_classifier_takes_two_images_a_class(name):
    features, y = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 0, 1])
    scores = classifier(name, 0).fit(features, y).predict_proba(features)
    assert scores.shape == (4, 2) and np.isfinite(scores).all()


@every
def test_every_classifier_answers_the_same_with_the_same_seed(name):
    X, y, _ = three_networks()
    first, second = (classifier(name, 3).fit(X[:60], y[:60]).predict_proba(X[60:]) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_discriminant_analysis_does_not_depend_on_the_order_of_the_images():
    X, y, _ = three_networks()
    X = np.concatenate([X, np.random.default_rng(5).normal(size=(120, 300))], axis=1)
    order = np.random.default_rng(1).permutation(80)
    first = classifiers.lda(0).fit(X[:80], y[:80]).predict_proba(X[80:])
    shuffled = classifiers.lda(0).fit(X[:80][order], y[:80][order]).predict_proba(X[80:])
    np.testing.assert_allclose(shuffled, first, atol=1e-6)
