"""Augmentations: the same seed gives the same pictures, each picture its own change, values stay in range."""

import keras
import numpy as np
import pytest
from PIL import Image

from indomain.errors import RequestError
from indomain.training import augmentation
from indomain.training.elastic import Elastic, sampled


def pictures(channels=3, count=6):
    rng = np.random.default_rng(0)
    small = rng.integers(40, 216, (count, 6, 6, channels), dtype=np.uint8)
    return small.repeat(5, axis=1).repeat(5, axis=2)


def changed(name, seed=1, training=True, channels=3):
    return keras.ops.convert_to_numpy(
        augmentation.apply(augmentation.layers_of(name, seed), pictures(channels), training)
    )


@pytest.mark.parametrize("name", sorted(set(augmentation.AUGMENTATIONS) - {"none"}))
def test_a_seed_gives_its_pictures(name):
    first, again, other = changed(name), changed(name), changed(name, seed=2)
    assert np.array_equal(first, again) and not np.allclose(first, other)
    assert first.shape == (6, 30, 30, 3) and first.min() > -40 and first.max() < 295
    np.testing.assert_allclose(changed(name, training=False), pictures(), atol=1e-3)
    if name != "colour":
        assert changed(name, channels=1).shape == (6, 30, 30, 1)


@pytest.mark.parametrize("name", ["basic", "elastic", "colour"])
def test_equal_pictures_are_changed_differently(name):
    same = np.repeat(pictures()[:1], 6, axis=0)
    found = keras.ops.convert_to_numpy(augmentation.apply(augmentation.layers_of(name), same, True))
    assert all(np.abs(found[0] - other).mean() > 2 for other in found[1:])


def test_colour_needs_colours():
    with pytest.raises(RequestError, match="pictures are grey"):
        augmentation.check("colour", 1, "finetune")
    augmentation.check("colour", 3, "finetune")
    grey = np.repeat(pictures(1), 3, axis=-1).astype("float32")
    hue = keras.ops.convert_to_numpy(augmentation.apply(augmentation.layers_of("colour"), grey, True))
    noise = 255 * 0.02
    # What has no hue gets none, but for the noise of each channel.
    assert np.abs(hue - hue.mean(axis=-1, keepdims=True)).mean() < 2 * noise


def test_elastic_bends_along_rows_and_columns():
    y, x = np.mgrid[:32, :32].astype("float32")
    ramps = np.repeat(np.stack([y, x], axis=-1)[None], 8, axis=0)
    bent = keras.ops.convert_to_numpy(Elastic(strength=0.05, seed=3)(ramps, training=True))
    shifts = (bent - ramps)[:, 4:-4, 4:-4]
    assert 0.5 < shifts.std() < 3
    # Shifts along rows and along columns are not the same ones, nor are those of two pictures.
    assert abs(np.corrcoef(shifts[..., 0].ravel(), shifts[..., 1].ravel())[0, 1]) < 0.5
    assert abs(np.corrcoef(shifts[0].ravel(), shifts[1].ravel())[0, 1]) < 0.9
    # Smooth: neighbours move alike.
    assert np.abs(np.diff(shifts, axis=1)).mean() < 0.3


def test_sampling_is_bilinear():
    images = np.arange(12, dtype="float32").reshape(1, 3, 4, 1)
    places = np.array([[0.0, 0.0], [0.5, 0.5], [2.0, 3.0], [-5.0, 1.0], [1.0, 9.0]], "float32").reshape(1, 5, 1, 2)
    found = keras.ops.convert_to_numpy(
        sampled(keras.ops.convert_to_tensor(images), keras.ops.convert_to_tensor(places))
    )
    assert found.ravel().tolist() == [0.0, 2.5, 11.0, 1.0, 7.0]


def test_a_contact_sheet_can_be_looked_at(indomain, here, small_manifest, cache_dir):
    command = ["data", "show", "small.toml:wrist", "--size", "32", "--cache-dir", cache_dir]
    status, out, err = indomain(*command, "--augment", "elastic")
    assert status == 0, err
    path = here / "augment-small-wrist-elastic.png"
    with Image.open(path) as sheet:
        assert sheet.size == (8 * 36 + 12, 8 * 36 + 4) and sheet.mode == "L"
    first = path.read_bytes()
    indomain(*command, "--augment", "elastic")
    assert path.read_bytes() == first
    assert indomain(*command, "--augment", "colour")[0] == 2
    status, _, err = indomain(*command, "--augment", "elastc")
    assert status == 2 and "elastic" in err


def test_elastic_keeps_places_in_32_bits():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        ramp = np.tile(np.arange(400, dtype="float32") / 2, (1, 400, 1))[..., None]
        still = keras.ops.convert_to_numpy(keras.ops.cast(Elastic(strength=0.0)(ramp, training=True), "float32"))
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(still, ramp, atol=1)
