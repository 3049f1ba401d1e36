"""What a model has learnt from: copies are found, other images are not, and what is unlike them is told."""

import io

import numpy as np
import pytest
from PIL import Image

from indomain.data.images import hashing
from indomain.networks import seen


def hashes_of(images):
    return np.stack([hashing.perceptual_hash(image) for image in images])


def digests_of(images):
    return np.array([list(bytes.fromhex(hashing.pixel_sha256(image))) for image in images], np.uint8)


def known(images, features=None):
    features = np.random.default_rng(0).normal(size=(50, 4)) if features is None else features
    return seen.describe(digests_of(images), hashes_of(images), features, features)


def as_jpeg(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=50)
    return np.asarray(Image.open(file))


@pytest.fixture(scope="module")
def wrists(phantom_set):
    return [np.asarray(image) for image in phantom_set.images()[:40]]


def test_copies_are_found_and_other_images_are_not(wrists):
    one, others = wrists[:10], wrists[10:]
    copies = [
        np.asarray(Image.fromarray(one[0]).resize((90, 90))),
        np.clip(one[1] * 0.8 + 20, 0, 255).astype(np.uint8),
        as_jpeg(one[2]),
        one[3],
    ]
    model = known(one)
    assert model.among(digests_of(copies), hashes_of(copies)).all()
    assert not model.among(digests_of(others), hashes_of(others)).any()


def test_an_identical_image_is_found_by_its_digest_alone(wrists):
    model = known(wrists[:3])
    far = 255 - hashes_of(wrists[:1])
    assert model.among(digests_of(wrists[:1]), far).tolist() == [True]


def test_features_like_the_learnt_ones_are_not_unlike_and_others_are():
    rng = np.random.default_rng(0)
    axes = rng.normal(size=(3, 20))
    learnt, held_out, new = (
        rng.normal(size=(count, 3)) @ axes + 0.1 * rng.normal(size=(count, 20)) for count in (300, 200, 500)
    )
    model = seen.describe(np.zeros((0, 32), np.uint8), np.zeros((0, 32), np.uint8), learnt, held_out)
    assert model.is_unlike(new).mean() < 0.04
    # Far along the axes, and off them.
    assert model.is_unlike(6 * new).mean() > 0.8 and model.is_unlike(new + rng.normal(size=(500, 20))).mean() > 0.95


def test_the_file_holds_what_was_described(wrists, tmp_path):
    model = known(wrists[:5])
    seen.write(tmp_path / "seen.npz", model)
    again = seen.read(tmp_path / "seen.npz")
    assert all(np.array_equal(getattr(model, name), getattr(again, name)) for name in vars(model))


def test_features_that_never_vary_are_no_division_by_zero():
    flat = np.ones((30, 4))
    model = seen.describe(np.zeros((0, 32), np.uint8), np.zeros((0, 32), np.uint8), flat, flat)
    assert np.isfinite(model.distance(flat)).all() and model.is_unlike(flat + 1).all()
