"""Fits that are made once per process and shared."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from fusion import FeatureFusion
from fusion.fitting import fit
from fusion.memo import Memoized, memoized
from fusion.registry import RULES
from fusion.small_samples import Span
from tests.fusion.features import counting, three_networks, whole_of


@parametrize_with_checks([Memoized(FeatureFusion()), Memoized(LogisticRegression())])
def test_what_is_memoized_is_an_estimator_of_scikit_learn(estimator, check):
    check(estimator)


def test_a_step_is_fitted_once_for_all_classifiers(monkeypatch):
    fits = counting(monkeypatch, FeatureFusion)
    X, y, groups = three_networks()
    for name in ("lda", "naive-bayes"):
        fit(*whole_of("concat", name), None, X, y, groups)
    assert fits == [X.shape]


def test_on_other_images_it_is_fitted_again(monkeypatch):
    fits = counting(monkeypatch, FeatureFusion)
    X, y, groups = three_networks()
    first, _ = fit(*whole_of("concat", "lda"), None, X, y, groups)
    again, _ = fit(*whole_of("concat", "lda"), None, X[:60], y[:60], groups[:60])
    assert fits == [X.shape, (60, X.shape[1])]
    assert not np.array_equal(again.predict_proba(X), first.predict_proba(X))


def test_all_rules_of_scores_share_their_classifiers(monkeypatch):
    fits = counting(monkeypatch, LogisticRegression)
    X, y, groups = three_networks()
    rules = [name for name in RULES if name.startswith("score-") and name != "score-stacking"]
    assert len(rules) == 3
    for name in rules:
        fit(*whole_of(name), None, X, y, groups)
    # Each network on all images, and on all but each of three folds.
    assert len(fits) == 12 and sum(count == len(X) for count, _ in fits) == 3


def test_other_patients_are_other_folds_and_nothing_of_the_old_ones_serves(monkeypatch):
    X, y, groups = three_networks()
    fit(*whole_of("score-search"), None, X, y, groups)
    fits = counting(monkeypatch, LogisticRegression)
    fit(*whole_of("score-search"), None, X, y, np.roll(groups, 1))
    assert len(fits) == 9


def test_classifiers_share_the_span_of_the_images(monkeypatch):
    fits = counting(monkeypatch, Span)
    X, y, groups = three_networks()
    for name in ("knn", "lda", "linear-svm"):
        fit(*whole_of("concat", name), None, X, y, groups)
    assert len(fits) == 1


def test_threads_that_ask_for_the_same_wait_for_one():
    asked = []

    def work(number):
        asked.append(number)
        time.sleep(0.1)
        return np.arange(number)

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: memoized(work, 41), range(8)))
    assert asked == [41] and all(result is results[0] for result in results)


def test_a_failure_reaches_all_who_wait():
    asked = []

    def fail(number):
        asked.append(number)
        time.sleep(0.1)
        raise ValueError(number)

    with ThreadPoolExecutor(4) as pool:
        failed = [pool.submit(memoized, fail, 42) for _ in range(4)]
    assert asked == [42] and all(isinstance(future.exception(), ValueError) for future in failed)


def test_what_fails_is_asked_again():
    tries = []

    def work(number):
        tries.append(number)
        if len(tries) == 1:
            raise ValueError("no")
        return number

    with pytest.raises(ValueError, match="no"):
        memoized(work, 17)
    assert memoized(work, 17) == memoized(work, 17) == 17 and len(tries) == 2


def test_what_was_made_long_ago_is_let_go_and_the_last_stays_however_large(monkeypatch):
    monkeypatch.setattr("fusion.memo.MOST", 250_000)
    made = []

    def work(number):
        made.append(number)
        return np.zeros(100_000 if number else 400_000, np.uint8)

    for number in (1, 2, 1, 3, 1, 2):
        memoized(work, number)
    assert made == [1, 2, 3, 2]  # the one asked for lately stays
    memoized(work, 0)
    memoized(work, 0)
    assert made == [1, 2, 3, 2, 0]


def test_a_shared_result_is_nobody_elses_array():
    X, y, _ = three_networks()
    mine = X.copy()
    Memoized(Span()).fit_transform(mine, y)
    mine[:] = 0
    np.testing.assert_array_equal(Memoized(Span()).fit_transform(X, y), X)


def test_a_classifier_that_transforms_as_well_is_asked_to():
    X, y, _ = three_networks()
    expected = LinearDiscriminantAnalysis().fit(X, y).transform(X)
    np.testing.assert_allclose(Memoized(LinearDiscriminantAnalysis()).fit_transform(X, y), expected)
