"""N-CLAHE: what a device does to all grey values is taken away, and nothing else."""

import numpy as np
import pytest

from indomain.data.images.contrast import treated
from tests.indomain.data.made import image


@pytest.fixture
def picture():
    """Grey values that lie between 60 and 180, so that a darker or flatter copy loses nothing."""
    return (60 + image(1, (64, 64)).astype(float) / 255 * 120).astype(np.uint8)


def test_brightness_and_contrast_of_the_device_are_taken_away(picture):
    dark = np.round(0.5 * picture + 10).astype(np.uint8)
    apart = np.abs(picture.astype(int) - dark).mean()
    after = np.abs(treated(picture, "n-clahe").astype(int) - treated(dark, "n-clahe")).mean()
    assert apart > 40 and after < 10


def test_all_grey_values_are_used(picture):
    found = treated(picture, "n-clahe")
    assert found.dtype == np.uint8 and found.shape == picture.shape
    assert found.min() < 10 and found.max() > 245


def test_colour_keeps_its_hue_and_a_last_axis_of_one_its_place(picture):
    colour = np.stack([picture, picture // 2, picture // 3], axis=-1)
    found = treated(colour, "n-clahe").astype(float)
    assert (
        found.shape == colour.shape
        and (found[..., 0] >= found[..., 1]).all()
        and (found[..., 1] >= found[..., 2]).all()
    )
    np.testing.assert_array_equal(treated(picture[..., None], "n-clahe")[..., 0], treated(picture, "n-clahe"))


def test_what_is_to_stay_as_it_is_and_a_blank_image_stay(picture):
    blank = np.full((16, 16), 7, np.uint8)
    assert treated(picture, "as it is") is picture and treated(blank, "n-clahe") is blank
