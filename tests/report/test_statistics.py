"""Intervals and tests against published, exact or simulated values."""

import numpy as np
import pytest
from scipy import stats

from report import statistics


def test_delong_agrees_with_its_definition_by_counting_pairs():
    rng = np.random.default_rng(0)
    positive = rng.random(60) < 0.4
    first, second = rng.normal(positive, 1), rng.normal(0.5 * positive, 1)
    areas, structure = [], []
    for scores in (first, second):
        wins = (scores[positive][:, None] > scores[~positive]) + 0.5 * (scores[positive][:, None] == scores[~positive])
        areas.append(wins.mean())
        structure.append((wins.mean(axis=1), wins.mean(axis=0)))
    covariance = (
        np.cov([s[0] for s in structure]) / positive.sum() + np.cov([s[1] for s in structure]) / (~positive).sum()
    )
    z = (areas[0] - areas[1]) / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = statistics.delong(positive, first, second)
    assert found == pytest.approx((*areas, 2 * stats.norm.sf(abs(z))))


def test_delong_of_a_classifier_with_itself_finds_nothing():
    positive = np.arange(20) % 2 == 0
    scores = np.random.default_rng(1).random(20)
    assert statistics.delong(positive, scores, scores)[2] == 1.0


def test_mcnemar_is_the_exact_binomial():
    first = np.array([True] * 12 + [False] * 3 + [True] * 30)
    second = np.array([False] * 12 + [True] * 3 + [True] * 30)
    assert statistics.mcnemar(first, second) == pytest.approx(stats.binomtest(3, 15, 0.5).pvalue)


def test_holm_of_a_worked_example():
    assert statistics.holm(np.array([0.01, np.nan, 0.04, 0.03])) == pytest.approx(
        [0.03, np.nan, 0.06, 0.06], nan_ok=True
    )


def test_the_corrected_t_test_by_hand_and_more_cautious_than_the_plain_one():
    differences = np.array([0.02, 0.05, 0.01, 0.04, 0.03])
    t = 0.03 / np.sqrt((1 / 5 + 0.25) * differences.var(ddof=1))
    p = statistics.corrected_resampled_t(differences, 0.25)
    assert p == pytest.approx(2 * stats.t.sf(t, 4)) and p > stats.ttest_1samp(differences, 0).pvalue


def test_whole_patients_are_drawn():
    groups = np.array(["a", "a", "b", "c", "c", "c"])
    weights = statistics.bootstrap_weights(groups, 50, 0)
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        values = rng.normal(1.0, 1.0, 60)
        weights = statistics.bootstrap_weights(np.arange(60), 400, trial)
        low, high = statistics.percentile_interval(weights @ values / weights.sum(axis=1))
        hits += low <= 1.0 <= high
    assert 0.90 <= hits / 200 <= 0.98


def test_the_bootstrap_test_finds_no_more_than_its_level_where_nothing_is():
    rng = np.random.default_rng(0)
    found = sum(statistics.bootstrap_p(rng.normal(rng.normal(), 1.0, 500), 60) < 0.05 for _ in range(300))
    assert found / 300 < 0.10


def test_three_patients_who_agree_prove_nothing():
    weights = statistics.bootstrap_weights(np.arange(3), 1000, 0)
    always = weights @ np.ones(3) / weights.sum(axis=1)
    assert statistics.bootstrap_p(always, 3) == 0.25
    assert statistics.bootstrap_p(always, 30) == pytest.approx(2 / 1001)


def test_a_mean_over_runs_leaves_out_what_is_not_defined():
    values = [np.array([1.0, np.nan, np.nan]), np.array([3.0, 5.0, np.nan])]
    np.testing.assert_array_equal(statistics.mean_over_runs(values), [2, 5, np.nan])


def test_samples_without_a_value_are_left_out_of_the_interval():
    values = np.r_[np.linspace(0, 1, 101), np.full(50, np.nan)]
    assert statistics.percentile_interval(values) == pytest.approx((0.025, 0.975))
    assert np.isnan(statistics.percentile_interval(np.full(3, np.nan))).all()


@pytest.mark.parametrize(("differences", "p"), [([0.0, 0.0, 0.0], 1.0), ([0.25, 0.25, 0.25], 0.0)])
def test_differences_without_variance_are_all_or_nothing(differences, p):
    assert statistics.corrected_resampled_t(np.array(differences), 0.25) == p


def test_one_difference_tells_nothing():
    assert np.isnan(statistics.corrected_resampled_t(np.array([0.1]), 0.25))
