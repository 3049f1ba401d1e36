"""Digests of pixels."""

import numpy as np

from indomain.data.images import hashing
from tests.indomain.data.made import image, nearly


def test_a_copy_that_nobody_can_tell_apart_has_another_digest():
    assert hashing.pixel_sha256(image(1)) != hashing.pixel_sha256(nearly(image(1)))


def test_a_digest_is_of_shape_and_pixels_not_of_memory():
    pixels = image(1, (24, 16))
    turned = np.asfortranarray(pixels)
    assert hashing.pixel_sha256(turned) == hashing.pixel_sha256(pixels.copy())
    assert hashing.pixel_sha256(pixels.reshape(16, 24)) != hashing.pixel_sha256(pixels)
