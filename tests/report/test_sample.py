"""A metric over the trainings of an arm: means, intervals, and differences from another arm's."""

import numpy as np
import pytest
from scipy import stats

from report import statistics
from report.sample import Sample, difference, mean_of
from tests.report.made import sample


def test_a_mean_is_over_folds_of_means_over_seeds():
    three = sample([0.6, 0.8, 0.9], folds=[0, 0, 1], seeds=[0, 1, 0])
    assert three.mean == pytest.approx(0.8) and three.by_fold.to_dict() == pytest.approx({0: 0.7, 1: 0.9})


def test_a_value_that_is_not_defined_is_left_out():
    assert sample([0.6, np.nan, 0.8]).mean == pytest.approx(0.7)
    assert np.isnan(sample([np.nan, np.nan]).mean)


def test_seeds_that_vary_make_the_interval_wider():
    steady, shaky = sample([0.8, 0.8, 0.8]).interval, sample([0.7, 0.8, 0.9]).interval
    assert shaky[0] < steady[0] < 0.8 < steady[1] < shaky[1]


def test_with_folds_the_interval_is_the_corrected_resampled_ts():
    five = sample([0.5, 0.55, 0.45, 0.52, 0.48], folds=range(5), seeds=[0] * 5, patients=200, test_share=0.25)
    half = stats.t.ppf(0.975, 4) * np.sqrt((1 / 5 + 0.25) * five.values.var(ddof=1))
    assert five.interval == pytest.approx((0.5 - half, 0.5 + half), abs=0.004)


@pytest.mark.parametrize(
    ("values", "changes", "held"),
    [
        ([0.8], {}, "patients"),
        ([0.8, 0.9], {}, "patients, seeds"),
        ([0.8, 0.9], {"draws_labels": True, "pretrains": True}, "patients, seeds, labels, pretraining"),
        ([0.8, 0.9], {"folds": [0, 1], "seeds": [0, 0]}, "patients, folds"),
    ],
)
def test_what_an_interval_holds_is_said(values, changes, held):
    assert sample(values, **changes).held == held


def test_one_training_is_one_unless_no_seed_changes_it():
    assert sample([0.8]).is_one_training and not sample([0.8], is_random=False).is_one_training
    assert not sample([0.8, 0.9]).is_one_training
    assert not sample([0.8, 0.9], folds=[0, 1], seeds=[0, 0]).is_one_training


def test_a_mean_of_metrics_has_the_mean_of_their_influences():
    both = mean_of([sample([0.8, 0.9]), sample([0.6, 0.7], seed=1)])
    assert both.values == pytest.approx([0.7, 0.8])
    assert both.influence == pytest.approx((sample([0, 0]).influence + sample([0, 0], seed=1).influence) / 2)


# Differences.


def test_without_variation_of_seeds_the_error_is_the_patients():
    here, there = sample([0.8] * 3), sample([0.75] * 3, seed=1)
    found = difference(here, there)
    variance = ((here.influence[0] - there.influence[0]) ** 2).sum()
    assert found.p == pytest.approx(2 * stats.t.sf(0.05 / np.sqrt(variance), 39), rel=1e-4)
    assert found.interval == pytest.approx(
        (0.05 - stats.t.ppf(0.975, 39) * np.sqrt(variance), 0.05 + stats.t.ppf(0.975, 39) * np.sqrt(variance))
    )


def test_without_variation_of_patients_the_test_is_welchs():
    here, there = sample([0.8, 0.9, 0.7], spread=0), sample([0.5, 0.52, 0.6], spread=0)
    expected = stats.ttest_ind(here.values, there.values, equal_var=False).pvalue
    assert difference(here, there).p == pytest.approx(expected, rel=1e-4)


def test_seeds_that_draw_their_labels_are_paired():
    labels = np.array([0.0, 0.1, -0.1, 0.05])
    # So many patients that only the seeds count.
    here = sample(0.80 + labels + [0.01, 0, 0, -0.01], patients=10_000, spread=0, draws_labels=True)
    there = sample(0.75 + labels, patients=10_000, spread=0, draws_labels=True)
    found = difference(here, there)
    assert found.p == pytest.approx(stats.ttest_rel(here.values, there.values).pvalue, rel=1e-4)
    assert found.p < difference(sample(here.values, spread=0), sample(there.values, spread=0)).p, (
        "labels are a difficulty that both share"
    )


def test_folds_are_paired_after_averaging_over_seeds_also_with_what_has_no_seeds():
    folds, seeds = [0, 0, 1, 1, 2, 2], [0, 1] * 3
    here = sample([0.8, 0.9, 0.7, 0.8, 0.9, 1.0], folds, seeds, test_share=0.5)
    there = sample([0.8, 0.7, 0.8], [0, 1, 2], [0] * 3, test_share=0.5, is_random=False)
    by_hand = np.array([0.05, 0.05, 0.15])
    seeds = statistics.joined([statistics.seeds_part(np.array([0.8, 0.9]))])
    expected = statistics.p_value(by_hand.mean(), [statistics.folds_part(by_hand, 0.5), seeds])
    found = difference(here, there)
    assert found.p == pytest.approx(expected) and found.test == "corrected resampled t"


def test_one_training_has_an_interval_over_patients_and_no_p():
    found = difference(sample([0.8]), sample([0.7], seed=1))
    assert np.isnan(found.p) and found.test == "" and found.interval[0] < 0.1 < found.interval[1]


def test_what_no_seed_changes_is_compared_with_seeds():
    found = difference(sample([0.8, 0.82, 0.78]), sample([0.7], is_random=False, seed=1))
    assert 0 < found.p < 1


def test_a_handful_of_patients_cannot_say_more_than_their_signs():
    here, there = sample([0.9] * 3, patients=6, spread=1e-4), sample([0.5] * 3, patients=6, spread=1e-4, seed=1)
    found = difference(here, there)
    assert found.p >= 2.0**-5 and found.test == "t over patients and seeds, sign flip over patients"


def test_arms_without_variance_are_not_called_different():
    assert np.isnan(difference(sample([0.8] * 3, spread=0), sample([0.7] * 3, spread=0)).p)


def test_few_patients_who_all_agree_leave_room_for_a_difference():
    found = difference(sample([1.0] * 3, patients=8, spread=0), sample([1.0] * 3, patients=8, spread=0))
    half = stats.t.ppf(0.975, 7) / (2 * 8)
    assert found.interval == pytest.approx((-half, half)) and np.isnan(found.p)


def test_fold_differences_that_are_all_the_same_have_no_p_of_0():
    here, there = (sample([value] * 5, folds=range(5), seeds=[0] * 5, test_share=0.25) for value in (0.8, 0.7))
    assert np.isnan(difference(here, there).p)


def test_a_pretraining_that_all_folds_share_is_part_of_the_interval():
    values = [0.70, 0.90, 0.71, 0.91, 0.69, 0.89]
    folds, seeds = [0, 0, 1, 1, 2, 2], [0, 1] * 3
    both = sample(values, folds, seeds, test_share=0.5, pretrains=True)
    one = sample([0.80, 0.81, 0.79], [0, 1, 2], [0] * 3, test_share=0.5)
    assert both.held == "patients, folds, seeds, pretraining"
    assert both.interval[1] - both.interval[0] > 3 * (one.interval[1] - one.interval[0])


def test_folds_that_one_side_lacks_are_in_neither_the_difference_nor_its_error():
    here = sample([0.8, 0.7, 0.9], [0, 1, 2], [0] * 3, test_share=0.5)
    there = sample([0.7, np.nan, 0.85], [0, 1, 2], [0] * 3, test_share=0.5)
    assert difference(here, there).value == pytest.approx(0.075)


def test_a_rare_class_is_known_no_better_for_the_many_patients_of_the_other():
    influence = np.full((3, 40), 0.01)
    plain = sample([0.8] * 3, influence=influence)
    rare = sample([0.8] * 3, influence=influence, classes=np.array([1] * 3 + [0] * 37))
    assert rare.interval[0] < plain.interval[0] < plain.interval[1] < rare.interval[1]


def test_five_patients_can_find_nothing():
    here, there = sample([0.9] * 3, patients=5), sample([0.5] * 3, patients=5, seed=1)
    found = difference(here, there)
    assert found.p >= 2.0**-4 and np.isnan(found.detectable)


def test_on_another_set_the_interval_holds_its_patients_and_what_the_folds_learnt_from():
    values, folds = [0.80, 0.84, 0.78, 0.82, 0.86], range(5)
    known = {"folds": folds, "seeds": [0] * 5, "test_share": 0.25, "elsewhere": True}
    there = sample(values, spread=0.05, **known)
    certain = sample(values, spread=0, **known)
    same = sample([0.82] * 5, spread=0.05, **known)
    assert [len(one.parts) for one in (there, certain, same)] == [2, 2, 2]
    total = sum(part.variance for part in there.parts)
    assert total == pytest.approx(sum(part.variance for one in (certain, same) for part in one.parts))
    assert there.held == "patients, folds"
    assert difference(there, same).test == "t over patients, folds and seeds"


def test_what_a_seed_gives_all_folds_does_not_hide_what_the_folds_learnt_from():
    of_folds, of_seeds = np.array([-0.04, 0.04, 0.0, -0.02, 0.02]), np.array([0.0, 0.2, 0.4])
    values = (0.5 + of_folds[:, None] + of_seeds).ravel()
    known = {
        "folds": np.repeat(range(5), 3).tolist(),
        "seeds": [0, 1, 2] * 5,
        "test_share": 0.25,
        "elsewhere": True,
        "spread": 0,
    }
    parts = sample(list(values), **known).parts
    assert parts[1].variance == pytest.approx(of_folds.var(ddof=1) * 16 / 5)


def test_seeds_in_another_order_are_the_same_seeds():
    here = sample([0.8, 0.7, 0.9, 0.8], [0, 0, 1, 1], [0, 1, 0, 1], draws_labels=True, elsewhere=True, test_share=1.0)
    there = sample([0.6, 0.7, 0.65, 0.8], [0, 0, 1, 1], [1, 0, 1, 0], draws_labels=True, elsewhere=True, test_share=1.0)
    swapped = sample(
        [0.7, 0.6, 0.8, 0.65], [0, 0, 1, 1], [0, 1, 0, 1], draws_labels=True, elsewhere=True, test_share=1.0
    )
    assert difference(here, there).interval == pytest.approx(difference(here, swapped).interval)


@pytest.mark.parametrize("shared", [False, True])
def test_intervals_on_another_set_cover_the_mean_of_the_procedure(shared):
    """Five folds and two seeds of a mean difference as a classifier; all are tested on the same 300 people.

    Args:
        shared: whether all folds of a seed begin with the same noise, as with a pretraining of its own.
    """
    rng = np.random.default_rng(0)
    centre = np.array([0.45] * 4 + [0.0] * 16)

    def drawn(count):
        y = np.arange(count) % 2
        return rng.normal(size=(count, 20)) + np.outer(y, centre), y

    def learnt(X, y, begun):
        return X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0) + begun

    def expected(weights):
        return stats.norm.cdf(weights @ centre / np.sqrt(2 * weights @ weights))

    truth = np.mean([expected(learnt(*drawn(80), rng.normal(0, 0.1, 20))) for _ in range(2000)])
    held, narrow = [], []
    for _ in range(200):
        (X, y), (E, z) = drawn(100), drawn(300)
        fold = np.arange(100) // 2 % 5
        begun = rng.normal(0, 0.1, (1 if shared else 5, 2, 20)).repeat(5 if shared else 1, axis=0)
        scores = np.stack([E @ learnt(X[fold != k], y[fold != k], begun[k, s]) for k in range(5) for s in range(2)])
        ahead = scores[:, z == 1, None] > scores[:, None, z == 0]
        values, influence = ahead.mean(axis=(1, 2)), np.empty(scores.shape)
        influence[:, z == 1] = (ahead.mean(axis=2) - values[:, None]) / 150
        influence[:, z == 0] = (ahead.mean(axis=1) - values[:, None]) / 150
        known = {"folds": np.repeat(range(5), 2), "seeds": [0, 1] * 5, "patients": np.arange(300), "classes": z}
        known |= {"values": values, "influence": influence, "test_share": 0.25}
        low, high = Sample(**{**known, "seeds": np.array(known["seeds"])}, elsewhere=True).interval
        held.append(low <= truth <= high)
        # As if the ten trainings were independent.
        apart = {**known, "folds": np.zeros(10, int), "seeds": np.arange(10)}
        low, high = Sample(**apart).interval
        narrow.append(low <= truth <= high)
    assert np.mean(held) >= 0.93 > np.mean(narrow)
