import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from indomain.errors import RequestError
from transferability.measures import h_score, knn, leep, linear_probe, log_me, nce, nleep

MEASURES = [h_score, lambda features, y: knn(features, y, np.arange(len(y))), log_me, nleep]


def drawn(images, width, signal, seed=0, classes=2):
    """Features of which the first three say the class as loudly as `signal`, in units of their noise."""
    rng = np.random.default_rng(seed)
    y = np.arange(images) % classes
    features = rng.normal(size=(images, width))
    features[:, :3] += signal * rng.normal(size=(classes, 3))[y]
    return features, y


@pytest.mark.parametrize(("images", "width"), [(120, 16), (60, 90), (30, 200)])
def test_logme_is_the_greatest_log_density_for_few_and_many_images(images, width):
    features, y = drawn(images, width, 1.0)

    def negative(logs, target):
        alpha, beta = np.exp(logs)
        covariance = np.eye(images) / beta + features @ features.T / alpha
        return -multivariate_normal.logpdf(target, np.zeros(images), covariance) / images

    starts = [(0, 1), (4, 2), (8, 2)]
    found = [
        min(minimize(negative, start, args=((y == label) * 1.0,), method="Nelder-Mead").fun for start in starts)
        for label in (0, 1)
    ]
    assert log_me(features, y) == pytest.approx(-np.mean(found), abs=1e-6)


def test_logme_does_not_exceed_what_a_density_can_be_where_features_outnumber_images():
    # The copied fixed point returned 57 here.
    features, y = drawn(80, 1200, 0.0)
    assert -1 < log_me(np.maximum(features, 0), y) < 0


def test_logme_does_not_depend_on_scale_and_rotation():
    features, y = drawn(60, 20, 1.0)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(20, 20)))[0]
    assert log_me(1000 * features @ rotation, y) == pytest.approx(log_me(features, y), abs=1e-6)


@pytest.mark.parametrize("measure", MEASURES, ids=["h-score", "knn", "logme", "nleep"])
def test_features_that_say_more_score_higher(measure):
    values = [measure(*drawn(200, 12, signal)) for signal in (0.0, 1.0, 3.0)]
    assert values == sorted(values) and values[2] > values[0]


def test_the_h_score_is_at_most_classes_less_one_and_reaches_it():
    features, y = drawn(600, 10, 30.0, classes=3)
    assert 1.8 < h_score(features, y) <= 2.0
    assert 0 <= h_score(*drawn(600, 10, 0.0, classes=3)) < 0.1


def test_a_probe_and_neighbours_are_at_chance_without_a_signal():
    found = [(drawn(200, 30, 0.0, seed), np.arange(200)) for seed in range(8)]
    assert np.mean([linear_probe(*given, groups) for given, groups in found]) == pytest.approx(0.5, abs=0.06)
    assert np.mean([knn(*given, groups) for given, groups in found]) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("measure", [knn, linear_probe])
def test_images_of_one_patient_do_not_help_one_another(measure):
    # Each patient has two nearly identical images and a random class: only the other image would tell it.
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), 2)
    features = rng.normal(size=(60, 10))[patients] + 0.01 * rng.normal(size=(120, 10))
    y = rng.permutation(np.arange(60) % 2)[patients]
    assert measure(features, y, np.arange(120)) > measure(features, y, patients) + 0.1
    assert measure(features, y, patients) < 0.6


def test_a_probe_needs_two_patients_of_each_class():
    with pytest.raises(RequestError, match="two patients of each class"):
        linear_probe(np.ones((4, 2)), np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]))


def test_a_head_that_knows_the_class_has_a_leep_and_an_nce_of_0():
    y = np.arange(30) % 3
    assert leep(np.eye(3)[y], y) == pytest.approx(0) and nce(np.eye(3)[y], y) == pytest.approx(0)


def test_a_head_that_knows_nothing_leaves_the_entropy_of_the_classes():
    y = np.array([0] * 30 + [1] * 10)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    blind = np.full((40, 5), 0.2)
    assert leep(blind, y) == pytest.approx(-entropy) and nce(blind, y) == pytest.approx(-entropy)


def test_leep_by_hand():
    probabilities, y = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]]), np.array([0, 0, 1])
    # P(y=0 | z): (1.4 / 1.5, 0.6 / 1.5).
    first, second = 1.4 / 1.5, 0.6 / 1.5
    expected = [0.8 * first + 0.2 * second, 0.6 * first + 0.4 * second, 0.1 * (1 - first) + 0.9 * (1 - second)]
    assert leep(probabilities, y) == pytest.approx(np.log(expected).mean())


def test_nleep_is_a_leep_and_the_same_each_time():
    given = drawn(100, 10, 1.0)
    assert nleep(*given) <= 0 and nleep(*given) == nleep(*given)
