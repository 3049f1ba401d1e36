"""Fusion of scores: weights, stacking and search."""

import numpy as np
import pytest
import sklearn
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from fusion.blocks import inner_folds
from fusion.scores import ScoreFusion, likeliest_weights, logarithms, searched_weights
from tests.fusion.features import BLOCKS, three_networks


@parametrize_with_checks(
    [
        ScoreFusion(),
        ScoreFusion(LogisticRegression(), rule="weighted"),
        ScoreFusion(rule="stacking"),
        ScoreFusion(rule="search"),
    ]
)
def test_it_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def test_an_unknown_rule_lists_the_known_ones():
    with pytest.raises(ValueError, match="unknown rule 'median'; known: mean, weighted, stacking, search"):
        ScoreFusion(rule="median").fit(*three_networks()[:2])


def test_the_mean_is_that_of_a_classifier_for_each_network():
    X, y, _ = three_networks()
    fused = ScoreFusion(LogisticRegression(), BLOCKS).fit(X, y)
    parts = [X[:, :30], X[:, 30:42], X[:, 42:]]
    alone = [LogisticRegression().fit(part, y).predict_proba(part) for part in parts]
    np.testing.assert_allclose(fused.predict_proba(X), np.mean(alone, axis=0))


def test_the_stacker_sees_logarithms_that_are_finite():
    found = logarithms([np.array([[0.0, 1.0]]), np.array([[0.5, 0.5]])])
    np.testing.assert_allclose(found, np.log([[1e-6, 1, 0.5, 0.5]]))


def test_patients_reach_the_folds_inside(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "fusion.scores.inner_folds", lambda y, groups, folds: seen.append(groups) or inner_folds(y, groups, 3)
    )
    X, y, groups = three_networks()
    with sklearn.config_context(enable_metadata_routing=True):
        fused = ScoreFusion(LogisticRegression(), BLOCKS, "weighted")
        cross_val_score(fused, X, y, params={"groups": groups}, cv=GroupKFold(3))
    assert len(seen) == 3 and all(len(found) == 80 for found in seen)


def test_the_weights_are_those_of_the_likeliest_mixture():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 300)
    members = []
    for strength in (2.0, 0.7, 0.0):
        positive = 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(0, 1, 300))))
        members.append(np.stack([1 - positive, positive], axis=1))
    found = likeliest_weights(members, y)
    truth = np.stack([one[np.arange(300), y] for one in members], axis=1)
    bounds, total = [(0, 1)] * 3, {"type": "eq", "fun": lambda w: w.sum() - 1}
    best = minimize(lambda w: -np.log(truth @ w).mean(), [1 / 3] * 3, bounds=bounds, constraints=total)
    np.testing.assert_allclose(found, best.x, atol=2e-3)
    assert found[0] > 0.5 > found[2]


@pytest.fixture(scope="module")
def search():
    X, y, groups = three_networks()
    return ScoreFusion(LogisticRegression(), BLOCKS, "search").fit(X, y, groups=groups)


def test_the_search_finds_the_network_that_tells(search):
    assert 0 in search.members_ and 2 not in search.members_ and search.weights_[2] == 0


def test_the_search_tells_unseen_patients_apart():
    X, y, groups = three_networks()
    search = ScoreFusion(LogisticRegression(), BLOCKS, "search")
    assert cross_val_score(search, X, y, groups=groups, cv=GroupKFold(4)).mean() > 0.65


def test_what_the_search_left_out_changes_nothing(search):
    X, _, _ = three_networks()
    other = X.copy()
    other[:, 42:] += 100
    np.testing.assert_array_equal(search.predict_proba(other), search.predict_proba(X))


def test_the_search_adds_what_helps_and_stops():
    y = np.array([0, 0, 1, 1])
    # What each says of the true class: two that complement each other, one that knows nothing, and the first once more.
    of_truth = np.array([[0.9, 0.9, 0.4, 0.4], [0.4, 0.4, 0.9, 0.9], [0.5, 0.5, 0.5, 0.5], [0.9, 0.9, 0.4, 0.4]])
    members = [np.stack([np.where(y == 0, one, 1 - one), np.where(y == 1, one, 1 - one)], axis=1) for one in of_truth]
    assert searched_weights(members, y).tolist() == [0.5, 0.5, 0, 0]
    assert searched_weights(members[2:], y).tolist() == [0, 1]
