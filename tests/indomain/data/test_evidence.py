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
    return evidence.features(a, b, np.ones_like(a), maps[None])


def marked(pixels: np.ndarray) -> np.ndarray:
    """With a white square of 15 % of the side."""
    pixels = pixels.copy()
    pixels[2:12, 20:30] = 255
    return pixels


def as_jpeg(pixels: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer))


CHANGES = {
    "nothing": lambda pixels: pixels,
    "darker": lambda pixels: np.round(255 * (pixels / 255) ** 2).astype(np.uint8),
    "JPEG": as_jpeg,
    "a mark": marked,
}


@pytest.mark.parametrize("what", CHANGES)
def test_copies_have_high_log_odds_and_other_images_low_ones(what):
    one, other = noise(1), noise(2)
    assert evidence.COPY.log_odds(measured(one, CHANGES[what](one)))[0] > evidence.COPY.min_log_odds
    assert evidence.COPY.log_odds(measured(one, CHANGES[what](other)))[0] < 0 < evidence.COPY.min_log_odds


def test_a_monotone_change_keeps_the_ranks():
    one = noise(1)
    columns = measured(one, (one / 255) ** 3)
    # Fisher's transform of the greatest correlation that is told apart.
    assert columns["ranks of grey levels blurred by 0"][0] == pytest.approx(np.arctanh(0.9995), rel=1e-4)


def test_every_weight_has_a_finite_feature_and_every_feature_a_weight():
    columns = measured(noise(1), np.full((64, 64), 90))
    assert list(columns) == list(evidence.COPY.weights) and all(
        np.isfinite(values).all() for values in columns.values()
    )


def test_what_only_one_image_shows_is_left_out():
    one = noise(1).astype(np.float32)
    clear = evidence.undisturbed(one[None], marked(one)[None], np.ones((1, 64, 64), np.float32))[0]
    # The squares of four pixels that the mark touches are sixteen of 256, and eight per cent are left out.
    assert (clear[2:12, 20:30] == 0).mean() > 0.9 and 0.9 < clear.mean() < 0.93


def test_what_is_not_known_is_never_clear_and_does_not_count_as_left_out():
    one, two = noise(1).astype(np.float32), noise(2).astype(np.float32)
    inside = np.ones((1, 64, 64), np.float32)
    inside[:, :32] = 0
    clear = evidence.undisturbed(one[None], two[None], inside)[0]
    assert not clear[:32].any() and clear[32:].mean() == pytest.approx(1 - round(0.08 * 128) / 128)


def test_the_turns_of_the_square_do_not_deviate_and_shifts_do():
    turns = np.concatenate([landmarks.TURNS, np.zeros((8, 2, 1), np.float32)], 2)
    assert (evidence.deviation(turns) == 0).all()
    shifted = turns + np.array([[0, 0, 0.1], [0, 0, 0]], np.float32)
    np.testing.assert_allclose(evidence.deviation(shifted), 0.1, atol=1e-6)


def test_equal_pixels_share_their_mean_rank_whatever_the_sort_does():
    from scipy.stats import rankdata

    pixels = (noise(1) // 64).astype(np.float32)  # four grey levels
    clear = np.ones((1, 64, 64), np.float32)
    clear[:, :10] = 0
    ranks = evidence._ranks(pixels[None], clear)[0]
    chosen = clear[0, ::2, ::2] > 0
    np.testing.assert_allclose(ranks[chosen], rankdata(pixels[::2, ::2][chosen]))
    assert np.unique(ranks[chosen]).size == 4
    assert (ranks[~chosen] == (chosen.sum() + 1) / 2).all()


@pytest.mark.parametrize("what", CHANGES)
def test_a_first_look_gives_up_other_pictures_and_keeps_copies(what: str):
    def looked(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        halves = [image.reshape(32, 2, 32, 2).mean((1, 3), dtype=np.float32)[None] for image in (first, second)]
        a, b = (landmarks.equalised(image) for image in halves)
        columns = evidence.first_look(a, b, np.ones_like(a), SAME[None])
        assert list(columns) == list(evidence.FIRST_LOOK.weights)
        return evidence.FIRST_LOOK.log_odds(columns)

    one, other = noise(1), noise(2)
    assert looked(one, CHANGES[what](one))[0] > evidence.FIRST_LOOK.min_log_odds
    assert looked(one, CHANGES[what](other))[0] < evidence.FIRST_LOOK.min_log_odds
