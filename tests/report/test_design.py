"""What a design can see."""

import numpy as np
import pytest
from scipy import stats

from report.design import hanley_mcneil, smallest


def test_the_variance_of_an_auroc_is_that_of_simulated_ones():
    rng = np.random.default_rng(0)
    shift = np.sqrt(2) * stats.norm.ppf(0.75)
    found = [(rng.normal(shift, 1, 40)[:, None] > rng.normal(0, 1, 60)).mean() for _ in range(3000)]
    assert hanley_mcneil(0.75, 40, 60) == pytest.approx(np.var(found), rel=0.1)


def test_more_patients_and_more_seeds_see_more():
    few, many = smallest({0: [40, 40]}, 3, 0.25), smallest({0: [400, 400]}, 3, 0.25)
    assert many < few and smallest({0: [400, 400]}, 10, 0.25) < many


def test_no_number_of_patients_sees_past_the_seeds():
    assert smallest({0: [10**6, 10**6]}, 3, 0.25) > 0.05


def test_400_patients_and_five_seeds_see_8_points():
    assert smallest({0: [200, 200]}, 5, 0.25) < 0.115


def test_a_single_training_sees_nothing():
    assert np.isnan(smallest({0: [400, 400]}, 1, 0.25))


def test_folds_are_trainings_even_with_one_seed():
    assert 0.05 < smallest({fold: [20, 20] for fold in range(5)}, 1, 0.25) < 0.4
