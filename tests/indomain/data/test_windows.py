"""Images that are parts of others."""

import numpy as np
import pytest
from PIL import Image

from indomain.data import duplicates, windows
from tests.indomain.data.images.test_landmarks import noise


def coarse(images: list[np.ndarray]) -> np.ndarray:
    stack = np.stack(images)
    return duplicates.sign(lambda rows: stack[rows], np.array([str(n) for n in range(len(stack))])).coarse


def cropped(pixels: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Of a box (left, top, right, bottom) in shares of the sides."""
    return np.asarray(Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC, [64 * edge for edge in box]))


@pytest.fixture(scope="module")
def originals() -> list[np.ndarray]:
    return [noise(seed) for seed in range(20)]


@pytest.mark.parametrize("box", [(0.1, 0.3, 0.7, 0.9), (0, 0.2, 0.8, 1), (0.15, 0, 0.85, 1), (0, 0, 1, 1)])
def test_a_part_finds_the_image_that_it_was_cut_from_and_its_place(originals, box):
    parts = [cropped(pixels, box) for pixels in originals]
    found = windows.candidates(coarse(parts), coarse(originals), False)
    right = found.first == found.second
    assert len(set(found.first[right])) >= 12
    left, top, right_, bottom = box
    truth = np.array([[bottom - top, 0, top + bottom - 1], [0, right_ - left, left + right_ - 1]])
    assert np.median(np.abs(found.maps[right] - truth).max((1, 2))) < 0.12


@pytest.mark.parametrize("change", [np.fliplr, np.rot90, lambda pixels: 255 - pixels, lambda pixels: pixels.T])
def test_turned_and_inverted_images_find_their_originals(originals, change):
    copies = [np.ascontiguousarray(change(pixels)) for pixels in originals]
    found = windows.candidates(coarse(copies), coarse(originals), False)
    assert set(found.first[found.first == found.second]) == set(range(20))


def test_no_image_is_a_part_of_itself(originals):
    found = windows.candidates(coarse(originals), coarse(originals), True)
    assert len(found.first) and (found.first != found.second).all()


def test_blank_images_are_parts_of_nothing():
    blank = coarse([np.full((64, 64), 90, np.uint8) for _ in range(40)])
    assert len(windows.candidates(blank, blank, True).first) == 0


def test_there_is_nothing_to_find_among_no_images(originals):
    some = coarse(originals[:1])
    assert (
        len(windows.candidates(some[:0], some, False).first) == len(windows.candidates(some, some[:0], False).maps) == 0
    )
