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


def test_a_map_and_its_inverse_undo_each_other():
    map_ = np.array([[[0.6, 0.05, 0.2], [-0.04, 0.7, -0.1]]], np.float32)
    there, back = (np.concatenate([one[0], [[0, 0, 1]]]) for one in (map_, registration.inverted(map_)))
    assert np.allclose(there @ back, np.eye(3), atol=1e-6)


def test_a_mark_changes_the_tiles_that_it_covers_and_no_others(pixels):
    marked = pixels.copy()
    marked[:, :16, :16] = np.random.default_rng(0).normal(size=(16, 16))
    correlations, contrast = registration.tile_correlations(pixels, marked, np.ones_like(pixels), 8)
    covered = np.zeros((8, 8), bool)
    covered[:2, :2] = True
    assert (correlations[0][~covered.ravel()] > 0.999).all() and (correlations[0][covered.ravel()] < 0.8).all()
    assert (contrast > 0).all()


def test_pixels_that_are_not_known_do_not_count(pixels):
    other, inside = pixels.copy(), np.ones_like(pixels)
    other[:, 20:] = 0
    inside[:, 20:] = 0
    correlations, contrast = registration.tile_correlations(pixels, other, inside, 8)
    # The third row of tiles is half known.
    assert (correlations[0, :24] > 0.999).all() and (contrast[0, 24:] == 0).all()
