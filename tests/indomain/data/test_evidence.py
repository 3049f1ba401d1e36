"""The log odds that two registered images are one picture."""

import io

import numpy as np
import pytest
from PIL import Image

from indomain.data import evidence
from indomain.data.images import landmarks
from tests.indomain.data.images.test_landmarks import noise

SAME = np.eye(2, 3, dtype=np.float32)


def measured(first: np.ndarray, second: np.ndarray, maps: np.ndarray = SAME) -> dict[str, np.ndarray]:
    a, b = first[None].astype(np.float32), second[None].astype(np.float32)
    return evidence.features(a, b, np.ones_like(a), maps[None], np.array([5]))


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer))


CHANGES = {
    "nothing": lambda pixels: pixels,
    "darker": lambda pixels: np.round(255 * (pixels / 255) ** 2).astype(np.uint8),
    "JPEG": as_jpeg,
}


@pytest.mark.parametrize("what", CHANGES)
def test_copies_have_high_log_odds_and_other_images_low_ones(what):
    one, other = noise(1), noise(2)
    assert evidence.log_odds(measured(one, CHANGES[what](one)))[0] > evidence.MIN_LOG_ODDS
    assert evidence.log_odds(measured(one, CHANGES[what](other)))[0] < 0 < evidence.MIN_LOG_ODDS


def test_a_monotone_change_keeps_the_ranks():
    one = noise(1)
    columns = measured(one, (one / 255) ** 3)
    # Fisher's transform of the greatest correlation that is told apart.
    assert columns["ranks"][0] == pytest.approx(np.arctanh(0.995))


def test_every_weight_has_a_finite_feature_and_every_feature_a_weight():
    columns = measured(noise(1), np.full((64, 64), 90))
    assert list(columns) == list(evidence._WEIGHTS) and all(np.isfinite(values).all() for values in columns.values())


def test_the_turns_of_the_square_are_in_place_and_shifts_are_not():
    turns = np.concatenate([landmarks.TURNS, np.zeros((8, 2, 1), np.float32)], 2)
    assert evidence.in_place(turns).all()
    shifted = turns + np.array([[0, 0, 0.1], [0, 0, 0]], np.float32)
    assert not evidence.in_place(shifted).any()
