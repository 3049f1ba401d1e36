"""Digests of pixels."""

import imagehash
import numpy as np
from PIL import Image

from indomain.data.images import hashing
from tests.indomain.data.made import image, nearly


def test_perceptual_hashes_are_those_of_imagehash():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, shape, np.uint8) for shape in ((32, 32, 3), (32, 32), (32, 32, 3))]
    assert hashing.perceptual_hashes(images) == [str(imagehash.phash(Image.fromarray(one))) for one in images]


def test_many_hashes_at_once_are_those_one_by_one():
    images = [image(seed, (40, 24)) for seed in range(5)]
    assert hashing.perceptual_hashes(images) == [hashing.perceptual_hashes([one])[0] for one in images]


def test_a_copy_that_nobody_can_tell_apart_has_nearly_the_same_hash_and_another_digest():
    first, second = (int(text, 16) for text in hashing.perceptual_hashes([image(1), nearly(image(1))]))
    assert (first ^ second).bit_count() <= 6
    assert hashing.pixel_sha256(image(1)) != hashing.pixel_sha256(nearly(image(1)))


def test_a_digest_is_of_shape_and_pixels_not_of_memory():
    pixels = image(1, (24, 16))
    turned = np.asfortranarray(pixels)
    assert hashing.pixel_sha256(turned) == hashing.pixel_sha256(pixels.copy())
    assert hashing.pixel_sha256(pixels.reshape(16, 24)) != hashing.pixel_sha256(pixels)
