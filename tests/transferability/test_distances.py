import numpy as np
import pytest
from scipy.linalg import sqrtm

from indomain.errors import RequestError
from indomain.networks.feature_sets import kid
from transferability.distances import debiased_cka, frechet, otdd

RNG = np.random.default_rng(0)
ONE, TWO = RNG.normal(size=(80, 12)), RNG.normal(0.5, 2.0, size=(90, 12))


def test_frechet_is_that_of_the_textbook():
    first, second = (np.cov(part, rowvar=False) for part in (ONE, TWO))
    root = np.real(sqrtm(first @ second))
    expected = ((ONE.mean(0) - TWO.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root)
    assert frechet(ONE, TWO) == pytest.approx(expected) and frechet(ONE, ONE) == pytest.approx(0, abs=1e-6)


def test_frechet_holds_where_features_outnumber_images():
    wide = RNG.normal(size=(20, 60))
    assert frechet(wide, wide) == pytest.approx(0, abs=1e-3) and frechet(wide, wide + 1) == pytest.approx(60, rel=1e-3)


def test_kid_is_unbiased():
    halves = [RNG.normal(size=(2, 60, 8)) for _ in range(200)]
    found = [kid(*pair) for pair in halves]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(len(found))
    assert kid(ONE, TWO) > 10 * np.std(found)


def test_kid_by_hand():
    one, two = np.array([[1.0], [2.0]]), np.array([[0.0], [3.0]])
    # Kernels (xy + 1)³: within 27 and 1, across 1, 64, 1, 343.
    assert kid(one, two) == pytest.approx(27 + 1 - 2 * (1 + 64 + 1 + 343) / 4)


def test_cka_is_one_for_the_same_features_and_nought_for_others():
    rotation = np.linalg.qr(RNG.normal(size=(300, 300)))[0]
    features = RNG.normal(size=(50, 300))
    assert debiased_cka(features, 5 * features @ rotation) == pytest.approx(1)
    unrelated = [debiased_cka(RNG.normal(size=(50, 300)), RNG.normal(size=(50, 200))) for _ in range(20)]
    assert abs(np.mean(unrelated)) < 0.02
    # The plain form would call them alike.
    one, two = (part - part.mean(0) for part in (features, RNG.normal(size=(50, 300))))
    plain = np.linalg.norm(one.T @ two) ** 2 / (np.linalg.norm(one.T @ one) * np.linalg.norm(two.T @ two))
    assert plain > 0.7


@pytest.mark.parametrize(("first", "second"), [(ONE, TWO), (ONE[:3], ONE[:3])])
def test_cka_needs_the_same_images_and_four_of_them(first, second):
    with pytest.raises(RequestError, match="the same images, four"):
        debiased_cka(first, second)


def test_otdd_is_nought_for_the_same_set_and_sees_classes_that_change_places():
    y = np.arange(80) % 2
    apart = ONE + 5 * y[:, None]
    assert otdd(apart, y, apart, y) == pytest.approx(0, abs=1e-4)
    # The same pictures with the other names are the same classes.
    assert otdd(apart, y, apart, 1 - y) == pytest.approx(0, abs=1e-4)
    mixed = RNG.permutation(y)
    assert otdd(apart, y, apart, mixed) > 1 < otdd(apart, y, apart + 3, y)


def test_otdd_of_shifted_points_is_the_shift():
    y = np.zeros(40, int)
    # Points and their one class are each moved by 2: √(2² + 2²).
    points = RNG.normal(size=(40, 1))
    assert otdd(points, y, points + 2, y) == pytest.approx(np.sqrt(8))


def test_otdd_draws_large_sets_down_the_same_way_each_time():
    y = np.arange(80) % 2
    assert otdd(ONE, y, TWO[:80], y, most=30) == otdd(ONE, y, TWO[:80], y, most=30)
