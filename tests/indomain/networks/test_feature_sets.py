"""Two sets of images compared by features: what is known of equal, shifted and collapsed ones."""

import numpy as np
import pytest

from indomain.networks.feature_sets import density_and_coverage, kid, nearest, variety


def drawn(count, seed, width=8):
    return np.random.default_rng(seed).normal(size=(count, width))


def test_kid_of_two_samples_of_one_population_is_about_zero():
    assert np.mean([kid(drawn(100, 2 * n), drawn(100, 2 * n + 1)) for n in range(20)]) == pytest.approx(0, abs=0.05)
    assert kid(drawn(100, 0), drawn(100, 1) + 1) > 1


def test_density_and_coverage_of_equals_are_about_one():
    density, coverage = density_and_coverage(drawn(300, 0), drawn(300, 1))
    assert density == pytest.approx(1, abs=0.15) and coverage > 0.9


def test_coverage_by_hand():
    # Real images at 0, 1, 10, 11; with k = 1 each reaches as far as its neighbour. The made ones are near two of them.
    real, made = np.array([[0.0], [1.0], [10.0], [11.0]]), np.array([[0.5], [0.2]])
    density, coverage = density_and_coverage(real, made, 1)
    assert (density, coverage) == (2.0, 0.5)


def test_an_outlier_changes_little():
    real = drawn(200, 0)
    spoilt = np.concatenate([real, np.full((1, 8), 50.0)])
    made = drawn(200, 1)
    assert density_and_coverage(spoilt, made)[0] == pytest.approx(density_and_coverage(real, made)[0], abs=0.1)


def test_the_nearest_and_the_mean_distance_of_two():
    place, distance = nearest(np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 1.0], [3.0, 4.0]]))
    assert place.tolist() == [0, 1] and distance.tolist() == [1.0, 0.0]
    assert variety(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(2.0)
