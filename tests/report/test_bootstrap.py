"""Means of several rows drawn anew: their variances, and what rows share."""

from dataclasses import replace

import numpy as np

from report import bootstrap, ranks
from tests.report.made import sample


def test_the_variance_of_a_row_is_that_of_its_interval():
    for one in (
        sample([0.7, 0.72, 0.76]),
        sample([0.7, 0.8, 0.75, 0.6], folds=[0, 1, 2, 3], seeds=[0] * 4, test_share=0.25),
        sample([0.7, 0.8, 0.75, 0.6], folds=[0, 1, 2, 3], seeds=[0] * 4, test_share=0.25, elsewhere=True),
    ):
        expected = sum(part.variance for part in one.parts)
        values = bootstrap.draws([one, one], 40_000)[:, 0]
        # Student's t with few degrees of freedom has no variance to speak of; its middle half does.
        low, high = np.quantile(values, [0.25, 0.75])
        assert 0.67 * np.sqrt(expected) < (high - low) / 2 < 1.0 * np.sqrt(expected)
        assert abs(np.median(values) - one.mean) < 0.02 * np.sqrt(expected) + 1e-3


def test_seeds_are_shared_where_they_draw_the_labels_and_only_there():
    one = sample([0.7, 0.72, 0.74], draws_labels=True)
    same = bootstrap.draws([one, one], 1000)
    apart = bootstrap.draws([replace(one, draws_labels=False)] * 2, 1000)
    # Half a patient of forty is left between rows that share everything.
    assert np.std(same[:, 0] - same[:, 1]) < 0.02 < 2 * np.std(apart[:, 0] - apart[:, 1])
    assert np.std(same[:, 0] - same[:, 1]) < 0.5 * np.std(apart[:, 0] - apart[:, 1])


def test_other_units_of_a_metric_are_drawn_alike():
    """Twice as large, the same metric has the same order in every draw."""
    rows = [sample([0.3, 0.32, 0.31], seed=0), sample([0.31, 0.35, 0.33], seed=1)]
    doubled = [replace(one, values=2 * one.values, influence=2 * one.influence) for one in rows]
    np.testing.assert_allclose(bootstrap.draws(doubled, 500), 2 * bootstrap.draws(rows, 500))


def test_many_patients_are_as_few_numbers_with_the_same_covariance():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 5000))
    small = bootstrap._blocked(values)
    assert small.shape == (3, 3)
    np.testing.assert_allclose(small @ small.T, values @ values.T, rtol=1e-8)


def test_a_difference_that_no_patient_and_no_seed_changes_is_not_certain():
    """As for the tests of differences, half a patient might have disagreed."""
    rows = [sample([0.8] * 3), sample([0.8001] * 3)]
    first = (ranks._ranked(-bootstrap.draws(rows, 10_000)) == 1).mean(axis=0)
    assert 0.4 < first[0] < 0.6
