"""Landmarks and their descriptions."""

import numpy as np
import pytest
from PIL import Image

from indomain.data.images import landmarks
from tests.indomain.data.made import image


def noise(seed: int, side: int = 64) -> np.ndarray:
    """An image of many blobs."""
    rng = np.random.default_rng(seed)
    return (
        image(seed, (side, side)) // 2 + rng.integers(0, 128, (side // 4, side // 4)).repeat(4, 0).repeat(4, 1)
    ).astype(np.uint8)


def found(pixels: np.ndarray) -> landmarks.Landmarks:
    return landmarks.find(landmarks.equalised(landmarks.thumbnail(pixels)[None]))


@pytest.mark.parametrize("turn", range(8))
def test_a_turned_image_has_the_turned_descriptions_at_the_turned_places(turn):
    pixels = noise(1)
    (a, b), (c, d) = landmarks.TURNS[turn].astype(int)
    turned = pixels[::a, ::d] if a else pixels[::b, ::c].T
    one, other = found(pixels), found(np.ascontiguousarray(turned))
    cosines = landmarks.turned(one.vector, turn) @ other.vector.T
    assert np.median(cosines.max(1)) > 0.999
    places = one.place @ landmarks.TURNS[turn]
    assert np.abs(places - other.place[cosines.argmax(1)]).max(1).mean() < 0.01


def test_an_inverted_image_has_the_same_landmarks():
    one, other = found(noise(1)), found(255 - noise(1))
    assert len(one.image) > 10 and np.allclose(one.place, other.place, atol=0.02)
    assert (one.vector * other.vector).sum(1).min() > 0.99


def test_there_are_at_most_so_many_an_image_and_none_in_a_blank_one():
    stack = np.stack([noise(1), np.full((64, 64), 90, np.uint8), noise(2)])
    many = landmarks.find(landmarks.equalised(stack))
    assert set(many.image) == {0, 2} and np.bincount(many.image).max() <= landmarks.MOST + 1
    assert (np.diff(many.image) >= 0).all() and np.allclose(np.linalg.norm(many.vector, axis=1), 1, atol=1e-5)


def test_a_thumbnail_has_no_bars():
    pixels = noise(1)
    boxed = np.zeros((96, 64), np.uint8)
    boxed[16:80] = pixels
    assert np.array_equal(landmarks.thumbnail(boxed), landmarks.thumbnail(pixels))


def test_a_thumbnail_has_no_plain_corners_from_a_rotation():
    rows, columns = np.indices((64, 64))
    bright = (150 + rows / 2 + columns / 2 + np.random.default_rng(0).integers(-9, 9, (64, 64))).astype(np.uint8)
    rotated = np.asarray(Image.fromarray(bright).rotate(5, Image.Resampling.BICUBIC))
    assert (rotated == 0).mean() > 0.02
    assert landmarks.thumbnail(rotated).min() > 100 and np.array_equal(landmarks.thumbnail(bright), bright)


def test_a_plain_background_is_part_of_the_picture():
    rows, columns = np.indices((64, 64))
    hand = np.where((rows - 32) ** 2 + (columns - 32) ** 2 < 20**2, noise(1), 0).astype(np.uint8)
    hand[10:50, ::63] = hand[::63, 10:50] = 90  # keeps the edges from being bars
    assert np.array_equal(landmarks.thumbnail(hand), hand)


def test_brightness_and_contrast_do_not_count():
    pixels = noise(1)
    one, other = landmarks.equalised(np.stack([pixels, pixels // 2 + 60]))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.98
