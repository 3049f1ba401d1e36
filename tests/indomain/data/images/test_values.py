"""Values of any range become 0–255, and what is too large is refused before it is unpacked."""

import numpy as np
import pytest

from indomain.data.images import values


def test_the_range_becomes_0_to_255_and_what_is_not_finite_the_least():
    found = values.stretched(np.array([[-10.0, 0.0], [np.nan, 10.0]]))
    assert found.tolist() == [[0, 128], [0, 255]] and found.dtype == np.uint8


def test_a_flat_image_is_black_and_one_without_numbers_is_refused():
    assert (values.stretched(np.full((2, 2), 7.0)) == 0).all()
    with pytest.raises(values.UnreadableImage, match="no finite pixel value"):
        values.stretched(np.full((2, 2), np.nan))


def test_too_many_pixels_are_refused():
    values.check_size(values.MAX_PIXELS)
    with pytest.raises(values.UnreadableImage, match="200,000,001 pixels; at most 200,000,000"):
        values.check_size(values.MAX_PIXELS + 1)
