"""Resizing and channels."""

import numpy as np
import pytest
from PIL import Image

from indomain.data.images import resizing
from tests.indomain.data.made import image

WIDE = np.full((10, 20), 200, np.uint8)


def test_padding_keeps_the_whole_image_on_black():
    padded = resizing.resize(WIDE, (20, 20), "pad")
    assert (
        padded.shape == (20, 20)
        and (padded[:5] == 0).all()
        and (padded[5:15] == 200).all()
        and (padded[15:] == 0).all()
    )


def test_cropping_fills_the_frame_with_the_centre():
    marked = WIDE.copy()
    marked[:, :2] = marked[:, -2:] = 0
    cropped = resizing.resize(marked, (20, 20), "crop")
    assert cropped.shape == (20, 20) and (cropped == 200).all()


def test_stretching_gives_the_ratio_up():
    assert (resizing.resize(WIDE, (8, 4), "stretch") == 200).all()


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_an_image_of_the_right_size_keeps_every_value(fit):
    pixels = image(1, (12, 8), 3)
    assert np.array_equal(resizing.resize(pixels, (12, 8), fit), pixels)
    assert np.array_equal(resizing.resize(Image.fromarray(pixels), (12, 8), fit), pixels)


@pytest.mark.parametrize("fit", ["pad", "crop", "stretch"])
def test_of_the_right_shape_all_rules_are_one(fit):
    pixels = image(1, (24, 16))
    assert np.array_equal(resizing.resize(pixels, (12, 8), fit), resizing.resize(pixels, (12, 8), "stretch"))


def test_grey_is_repeated():
    grey = image(1)[None]
    colour = resizing.to_channels(grey, 3)
    assert colour.shape == (1, 32, 32, 3) and all(np.array_equal(colour[..., n], grey) for n in range(3))
    assert np.array_equal(resizing.to_channels(colour, 1)[..., 0], grey)


def test_colour_becomes_luminance_as_pillow_has_it():
    colour = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 3), dtype=np.uint8)
    expected = np.stack([np.asarray(Image.fromarray(pixels).convert("L")) for pixels in colour])
    assert np.array_equal(resizing.to_channels(colour, 1)[..., 0], expected)


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 1), (7, 5, 3), (2, 7, 5), (2, 7, 5, 1), (2, 7, 5, 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_channels_asked_for_come_last(shape, channels):
    found = resizing.to_channels(np.zeros(shape, np.uint8), channels)
    assert found.shape == (*shape[: len(shape) - (shape[-1] in (1, 3))], channels) and found.dtype == np.uint8
