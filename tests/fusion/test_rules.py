"""Every rule of fusion: it learns, and finds nothing where there is nothing."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from threadpoolctl import threadpool_limits

from fusion import rules
from fusion.fitting import fit
from fusion.registry import CLASSIFIERS, RULES, classifier
from indomain.artifacts import fitted_classifier
from indomain.runs.stages import STAGES
from tests.fusion.features import BLOCKS, three_networks, whole_of

every = pytest.mark.parametrize("name", list(RULES))


@every
def test_every_rule_learns(name):
    X, y, groups = three_networks()
    learnt = groups < 40
    fitted, _ = fit(*whole_of(name), None, X[learnt], y[learnt], groups[learnt])
    scores = fitted.predict_proba(X[~learnt])
    assert np.allclose(scores.sum(axis=1), 1) and roc_auc_score(y[~learnt], scores[:, 1]) > 0.75


@every
def test_labels_by_chance_give_chance(name):
    # What chooses features, networks, weights or settings outside its fold finds something in 200 features of noise.
    aucs = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, groups = rng.normal(size=(60, 200)), np.arange(60) // 2
        y = np.repeat(rng.permutation(np.arange(30) % 2), 2)
        X[1::2] = X[::2] + rng.normal(0, 0.1, (30, 200))  # two images of a patient are nearly the same
        whole, _ = whole_of(name, blocks=[70, 30, 100])
        with threadpool_limits(1):
            scores = cross_val_predict(whole, X, y, groups=groups, cv=GroupKFold(5), method="predict_proba")
        aucs.append(roc_auc_score(y, scores[:, 1]))
    assert 0.3 < np.mean(aucs) < 0.7, aucs


def test_a_planted_leak_is_out_of_reach():
    # A column that holds the test labels, and noise in training: nothing fitted on the training images can use it.
    rng = np.random.default_rng(0)
    y, groups = np.repeat(rng.permutation(np.arange(40) % 2), 2), np.arange(80) // 2
    aucs = []
    for train, test in GroupKFold(5).split(y, y, groups):
        X = rng.normal(size=(80, 200))
        X[test, 0] = 5.0 * y[test]
        for name in ("mrmr", "score-search", "score-weighted"):
            fitted, _ = fit(*whole_of(name, blocks=[100, 100]), None, X[train], y[train], groups[train])
            aucs.append(roc_auc_score(y[test], fitted.predict_proba(X[test])[:, 1]))
    assert 0.35 < np.mean(aucs) < 0.65


@pytest.mark.parametrize(("components", "expected"), [(None, 20), (3, 3)])
def test_components_are_those_asked_for_or_the_rules_own(components, expected):
    X, y, _ = three_networks()
    whole = rules.cca([30, 32], classifier("naive-bayes", 0), components).fit(X, y)
    assert whole[:-1].transform(X).shape == (len(X), 2 * expected)


def reads_the_same(path, whole, X):
    """Whether a fitted estimator answers as before after it was written and read."""
    fitted_classifier.write(path, whole)
    return np.array_equal(fitted_classifier.read(path, STAGES).predict_proba(X), whole.predict_proba(X))


@every
def test_every_rule_is_kept_and_read(name, tmp_path):
    X, y, _ = three_networks()
    whole, _ = whole_of(name)
    assert reads_the_same(tmp_path / "classifier.skops", whole.fit(X, y), X)


@pytest.mark.parametrize("learner", list(CLASSIFIERS))
def test_every_classifier_is_kept_and_read(learner, tmp_path):
    X, y = make_classification(60, sum(BLOCKS), n_informative=8, n_classes=3, random_state=0)
    whole, _ = whole_of("concat", learner)
    assert reads_the_same(tmp_path / "classifier.skops", whole.fit(X, y), X)
