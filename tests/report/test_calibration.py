"""Reliability, and the threshold of a sensitivity."""

import numpy as np
import pytest

from report import calibration
from tests.calibration import draw, softmax


@pytest.fixture(scope="module")
def drawn():
    return draw()


@pytest.mark.parametrize(("sensitivity", "expected"), [(1.0, 0.1), (0.75, 0.4), (0.5, 0.6), (0.51, 0.4), (0.01, 0.9)])
def test_the_threshold_is_the_highest_that_reaches_the_sensitivity(sensitivity, expected):
    score = np.array([0.9, 0.4, 0.1, 0.6, 0.95, 0.2])
    is_positive = np.array([True, True, True, True, False, False])
    assert calibration.threshold(is_positive, score, sensitivity) == expected


def test_without_positive_images_there_is_no_threshold():
    assert np.isnan(calibration.threshold(np.zeros(3, bool), np.ones(3), 0.9))


def test_the_bins_of_the_reliability_diagram_hold_every_image_once(drawn):
    logits, y = drawn
    scores = softmax(2 * logits)
    right = (scores.argmax(axis=1) == y).astype(float)
    confidence, share, count = calibration.reliability(right, scores.max(axis=1))
    assert count.sum() == len(y) and (share * count).sum() == pytest.approx(right.sum())
    assert (confidence * count).sum() == pytest.approx(scores.max(axis=1).sum())


def test_empty_bins_have_no_point():
    confidence, share, count = calibration.reliability(np.array([1.0, 0.0]), np.array([0.95, 0.97]))
    assert len(confidence) == len(share) == len(count) == 1 and share[0] == 0.5
