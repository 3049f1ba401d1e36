"""Fusion by selection: the features that say most about the classes."""

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_classif
from sklearn.utils.estimator_checks import parametrize_with_checks

from fusion.selection import MRMR, Importance, MutualInformation
from tests.fusion.features import three_networks


@parametrize_with_checks([MRMR(features=2), MutualInformation(), Importance(features=2)])
def test_they_are_estimators_of_scikit_learn(estimator, check):
    check(estimator)


def test_mutual_information_is_scikit_learns():
    X, y, _ = three_networks()
    bins = np.array([np.searchsorted(np.quantile(column, np.arange(1, 8) / 8), column) for column in X.T]).T
    expected = np.argsort(-mutual_info_classif(bins, y, discrete_features=True), kind="stable")[:6]
    assert set(MutualInformation(6).fit(X, y).chosen_) == set(expected)


@pytest.fixture
def copies():
    """Two copies of the best feature, a weaker one that says something else, and noise."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    best, other = y + rng.normal(0, 0.6, 200), y + rng.normal(0, 0.9, 200)
    return np.stack([best, best + rng.normal(0, 0.01, 200), other, *rng.normal(size=(5, 200))], axis=1), y


def test_mrmr_takes_no_feature_twice(copies):
    assert MRMR(2).fit(*copies).get_support().nonzero()[0].tolist() in ([0, 2], [1, 2])


def test_mutual_information_alone_takes_the_copy(copies):
    assert MutualInformation(2).fit(*copies).get_support().nonzero()[0].tolist() == [0, 1]


@pytest.mark.parametrize("kind", [MRMR, MutualInformation, Importance])
def test_more_features_than_there_are_are_all(kind, copies):
    assert kind(50).fit_transform(*copies).shape == copies[0].shape


def test_features_that_do_not_vary_come_last(copies):
    X, y = copies
    X = np.concatenate([np.full((200, 3), 7.0), X], axis=1)
    assert not set(MRMR(4).fit(X, y).chosen_) & {0, 1, 2}


def test_the_features_that_trees_need_are_left_at_the_end():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 60))
    # Only together the two tell the classes apart: no correlation shows either.
    y = (X[:, 7] * X[:, 31] > 0).astype(int)
    X[:, 40] = y + rng.normal(0, 0.3, 120)
    assert 40 in Importance(2).fit(X, y).chosen_
    assert len(Importance(8).fit(X, y).chosen_) == 8
