"""Temperature scaling: scores as probabilities."""

import numpy as np
import pytest

from indomain.networks import calibration
from tests.calibration import draw, softmax


@pytest.fixture(scope="module")
def drawn():
    return draw()


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_temperature_undoes_what_made_scores_too_sure(drawn, factor):
    logits, y = drawn
    assert calibration.temperature(y, softmax(factor * logits)) == pytest.approx(factor, rel=0.05)


def test_a_temperature_divides_the_logits(drawn):
    logits, _ = drawn
    np.testing.assert_allclose(calibration.tempered(softmax(logits), 3.0), softmax(logits / 3), atol=1e-6)


def test_the_order_of_the_classes_stays():
    scores = np.random.default_rng(0).dirichlet(np.ones(4), 50)
    warmed = calibration.tempered(scores, 2.5)
    np.testing.assert_array_equal(warmed.argsort(axis=1), scores.argsort(axis=1))
    np.testing.assert_allclose(warmed.sum(axis=1), 1)


def test_where_every_image_is_right_the_temperature_stays_within_a_factor_of_twenty():
    scores = np.tile([0.2, 0.8], (10, 1))
    assert 1 / 21 < calibration.temperature(np.ones(10, int), scores) < 1 / 19
