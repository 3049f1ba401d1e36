"""Affine maps between thumbnails."""

import numpy as np
import pytest

from indomain.data.images import landmarks, registration
from tests.indomain.data.images.test_landmarks import noise

SAME = np.eye(2, 3, dtype=np.float32)[None]


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return landmarks.equalised(noise(3)[None])


@pytest.mark.parametrize(
    "map_", [[[1, 0, 0.1], [0, 1, -0.08]], [[0.9, 0, 0], [0, 1.1, 0]], [[1, 0.06, 0], [-0.06, 1, 0]]]
)
def test_a_known_map_is_found_again(pixels, map_):
    truth = np.array([map_], np.float32)
    first, _ = registration.warped(pixels, truth)
    found = registration.refined(first, pixels, SAME, 12)
    assert np.abs(found - truth).max() < 0.03


def test_nothing_moves_under_the_identity(pixels):
    same, inside = registration.warped(pixels, SAME)
    assert np.allclose(same, pixels, atol=1e-2) and inside.all()
    assert np.abs(registration.refined(pixels, pixels, SAME, 3) - SAME).max() < 1e-3


def test_what_is_outside_is_said(pixels):
    _, inside = registration.warped(pixels, np.array([[[1, 0, 1], [0, 1, 0]]], np.float32))
    assert 0.45 < inside.mean() < 0.55 and inside[0, 0].all() and not inside[0, -1].any()


def test_the_median_tile_does_not_mind_a_mark(pixels):
    marked = pixels.copy()
    marked[:, :16, :16] = 2
    inside = np.ones_like(pixels)
    assert registration.correlation(pixels, marked, inside)[0] < 0.97
    assert registration.median_correlation(pixels, marked, inside, 8)[0] > 0.999


def test_tiles_that_are_not_known_do_not_count(pixels):
    other = pixels.copy()
    other[:, 24:] = pixels[:, 24:][:, ::-1]
    inside = np.ones_like(pixels)
    inside[:, 24:] = 0
    assert registration.median_correlation(pixels, other, inside, 8)[0] > 0.999
    assert registration.median_correlation(pixels, other, 0 * inside, 8)[0] == 0


def test_details_are_counted(pixels):
    rng, inside = np.random.default_rng(0), np.ones((1, 64, 64), np.float32)
    coarse, fine = (
        rng.normal(size=(1, n, n)).repeat(64 // n, 1).repeat(64 // n, 2).astype(np.float32) for n in (4, 16)
    )
    few, many = registration.details(coarse, inside)[0], registration.details(fine, inside)[0]
    assert few < many / 3 and registration.details(fine, inside * 0)[0] == 0
