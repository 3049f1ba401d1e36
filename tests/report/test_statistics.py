"""Intervals and tests against published, exact or simulated values."""

import numpy as np
import pytest
from scipy import stats

from indomain import metrics
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


def auroc(is_positive, scores):
    """From weights to the AUROC, as `jackknife` wants it."""
    scores = np.stack([1 - scores, scores], axis=1)
    return lambda weights: metrics.evaluate(["auroc"], is_positive.astype(int), scores, 1, weights)["auroc"][None]


def drawn(rng, patients, images=1, shift=1.0):
    """Classes of patients, and scores of their images, which share a part."""
    member = np.repeat(np.arange(patients), images)
    positive = (np.arange(patients) % 2 == 0)[member]
    score = shift * positive + rng.normal(size=patients)[member] + rng.normal(size=len(member))
    return positive, stats.norm.cdf(score / 2), member


# The jackknife.


def test_the_jackknife_of_a_mean_is_the_standard_error_squared():
    values = np.random.default_rng(0).normal(size=30)
    ((mean, influence),) = statistics.jackknife(lambda w: (w @ values / w.sum(axis=1))[None], np.arange(30))
    assert mean == pytest.approx(values.mean()) and (influence**2).sum() == pytest.approx(values.var(ddof=1) / 30)


def test_of_independent_images_it_agrees_with_delong():
    positive, first, groups = drawn(np.random.default_rng(0), 200)
    second = drawn(np.random.default_rng(1), 200)[1]
    influence = [statistics.jackknife(auroc(positive, scores), groups)[0][1] for scores in (first, second)]
    variance = ((influence[0] - influence[1]) ** 2).sum()
    areas = statistics.delong(positive, first, second)
    z = stats.norm.isf(areas[2] / 2)
    assert variance == pytest.approx(((areas[0] - areas[1]) / z) ** 2, rel=0.03)


def test_it_agrees_with_a_bootstrap_of_patients_with_several_images():
    rng = np.random.default_rng(3)
    positive, scores, groups = drawn(rng, 60, images=3)
    variance = (statistics.jackknife(auroc(positive, scores), groups)[0][1] ** 2).sum()
    counts = rng.multinomial(60, np.full(60, 1 / 60), 4000)[:, groups].astype(float)
    assert variance == pytest.approx(np.nanvar(auroc(positive, scores)(counts)), rel=0.1)
    alone = (statistics.jackknife(auroc(positive, scores), np.arange(180))[0][1] ** 2).sum()
    assert variance > 1.3 * alone, "images of one patient are not independent"


def test_a_class_of_one_patient_has_no_variance_that_is_known():
    positive = np.array([True, True, False, False, False])
    ((value, influence),) = statistics.jackknife(auroc(positive, np.linspace(1, 0, 5)), np.array([0, 0, 1, 2, 3]))
    assert value == 1 and np.isnan(influence).all() and influence.shape == (4,)


def test_many_patients_are_left_out_in_blocks(monkeypatch):
    positive, scores, groups = drawn(np.random.default_rng(0), 1200)
    one_by_one = (statistics.jackknife(auroc(positive, scores), groups)[0][1] ** 2).sum()
    monkeypatch.setattr(statistics, "MOST_GROUPS", 300)
    ((_, influence),) = statistics.jackknife(auroc(positive, scores), groups)
    assert influence.shape == (1200,) and (influence**2).sum() == pytest.approx(one_by_one, rel=0.15)


# Parts, intervals and p values.


def test_an_error_of_one_part_has_students_interval_and_p():
    part = statistics.Part(0.04, 7)
    assert statistics.half_width([part]) == pytest.approx(0.2 * stats.t.ppf(0.975, 7))
    assert statistics.p_value(0.3, [part]) == pytest.approx(2 * stats.t.sf(1.5, 7))


@pytest.mark.parametrize("parts", [[(0.01, 300), (0.02, 2)], [(0.04, 9)], [(1e-6, 2), (0.01, 50)]])
def test_p_is_5_percent_where_the_interval_touches_0(parts):
    parts = [statistics.Part(*part) for part in parts]
    assert statistics.p_value(statistics.half_width(parts), parts) == pytest.approx(0.05)
    assert statistics.p_value(-statistics.half_width(parts), parts) == pytest.approx(0.05)


def test_p_is_never_0_and_unknown_without_variance():
    assert 0 < statistics.p_value(1e6, [statistics.Part(1e-9, 1000)]) <= 1e-12
    assert np.isnan(statistics.p_value(0.1, [statistics.Part(0.0, 5)]))
    assert np.isnan(statistics.p_value(0.1, [statistics.Part(float("nan"), 5)]))
    assert statistics.p_value(0.0, [statistics.Part(0.1, 5)]) == 1


def test_folds_overlap_in_training_so_that_the_plain_t_test_is_too_bold():
    differences = np.array([0.02, 0.05, 0.01, 0.04, 0.03])
    p = statistics.p_value(differences.mean(), [statistics.folds_part(differences, 0.25)])
    t = 0.03 / np.sqrt((1 / 5 + 0.25) * differences.var(ddof=1))
    assert p == pytest.approx(2 * stats.t.sf(t, 4)) and p > stats.ttest_1samp(differences, 0).pvalue


def test_two_chains_seeds_are_joined_as_welch_does():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, 5), rng.normal(0.5, 3, 4)
    part = statistics.joined([statistics.seeds_part(first), statistics.seeds_part(second)])
    expected = stats.ttest_ind(first, second, equal_var=False)
    assert statistics.p_value(first.mean() - second.mean(), [part]) == pytest.approx(expected.pvalue)
    assert part.df == pytest.approx(expected.df)


def test_a_difference_of_the_size_that_can_be_seen_is_seen_four_times_in_five():
    rng = np.random.default_rng(0)
    true = statistics.detectable([statistics.Part(1 / 12, 11)])
    samples = rng.normal(true, 1, (4000, 12))
    p = stats.ttest_1samp(samples, 0, axis=1).pvalue
    assert (p < 0.05).mean() == pytest.approx(0.8, abs=0.03)


def test_an_interval_stays_within_the_bounds_and_holds_its_estimate():
    for mean, bounds in ((0.99, (0.0, 1.0)), (-0.98, (-1.0, 1.0)), (1.9, (0.0, 2.0)), (1.0, (0.0, 1.0))):
        low, high = statistics.interval(mean, [statistics.Part(0.01, 10)], bounds, 30)
        assert bounds[0] <= low <= mean <= high <= bounds[1]


def test_patients_who_all_agree_are_no_certainty():
    low, high = statistics.interval(1.0, [statistics.Part(0.0, 9)], (0.0, 1.0), 10)
    assert 0.6 < low < 0.9 and high == 1
    assert statistics.interval(1.0, [statistics.Part(0.0, 99)], (0.0, 1.0), 100)[0] > low


def test_a_constant_inside_the_bounds_has_no_interval():
    assert np.isnan(statistics.interval(0.5, [statistics.Part(0.0, 99)], (0.0, 1.0), 100)).all()


def test_in_the_middle_and_with_many_patients_the_interval_is_the_plain_one():
    part = statistics.Part(0.0004, 400)
    low, high = statistics.interval(0.5, [part], (0.0, 1.0), 500)
    assert (low, high) == pytest.approx((0.5 - 0.0393, 0.5 + 0.0393), abs=0.001)


@pytest.mark.parametrize("patients", [8, 30, 200])
@pytest.mark.parametrize("share", [0.6, 0.95])
def test_the_interval_of_an_accuracy_covers_as_often_as_it_says(patients, share):
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(600):
        right = (rng.random(patients) < share).astype(float)
        ((mean, influence),) = statistics.jackknife(
            lambda w, right=right: (w @ right / w.sum(axis=1))[None], np.arange(patients)
        )
        low, high = statistics.interval(
            mean, statistics.patients_parts(influence, np.empty(0, int)), (0.0, 1.0), patients
        )
        hits.append(low <= share <= high)
    assert np.mean(hits) >= 0.93


# Sign flips.


def test_three_patients_who_agree_prove_nothing():
    assert statistics.sign_flip(np.ones(3)) == 0.25


def test_sign_flips_are_exact_for_few_patients_and_close_to_it_for_more():
    values = np.random.default_rng(0).normal(0.5, 1, 14)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 14)).reshape(14, -1)
    exact = (np.abs(values @ signs) >= abs(values.sum()) - 1e-12).mean()
    assert statistics.sign_flip(values) == pytest.approx(exact)
    more = np.random.default_rng(1).normal(0.3, 1, 18)
    patterns = 2 * ((np.arange(2**18)[:, None] >> np.arange(18)) & 1) - 1
    exact = (np.abs(patterns @ more) >= abs(more.sum()) - 1e-12).mean()
    assert statistics.sign_flip(more) == pytest.approx(exact, abs=0.01)
    assert np.isnan(statistics.sign_flip(np.r_[values, np.nan]))


def test_sign_flips_find_no_more_than_their_level_where_nothing_is():
    rng = np.random.default_rng(0)
    found = [statistics.sign_flip(rng.normal(size=9)) <= 0.05 for _ in range(600)]
    assert np.mean(found) < 0.07


def test_no_test_says_0():
    positive = np.array([True] * 3 + [False] * 3)
    perfect, reverse = positive.astype(float), 1 - positive.astype(float)
    assert statistics.delong(positive, perfect, reverse)[2] == 2.0**-5
    assert statistics.sign_flip(np.full(40, 1.0)) > 0


def test_folds_tested_on_the_same_images_vary_as_a_jackknife_says():
    values = np.array([0.80, 0.84, 0.78, 0.82, 0.86])
    leave_one_out = 4 / 5 * ((values - values.mean()) ** 2).sum()  # delete one group of five
    part = statistics.training_part(values, 0.0, 1 / 4)
    assert part.variance == pytest.approx(leave_one_out) and part.df == 4
    # What the seeds add to each value is taken out, but never more than the rule for folds of their own leaves.
    least = statistics.folds_part(values, 1 / 4).variance
    noise = values.var(ddof=1) / 2
    assert statistics.training_part(values, noise, 1 / 4).variance == pytest.approx(leave_one_out / 2)
    assert statistics.training_part(values, 1.0, 1 / 4).variance == pytest.approx(least)
    # Fifteen draws of three folds delete a third of the images each: (n - d) / d times their mean square.
    assert statistics.jackknifed(15, 1 / 2) == pytest.approx(2 * 14 / 15)
