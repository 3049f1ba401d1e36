import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.training import augmentation, registry

NAMES = sorted(set(registry.AUGMENTATIONS) - {"none"})


def images(channels=3, count=6):
    rng = np.random.default_rng(0)
    small = rng.integers(40, 216, (count, 6, 6, channels), dtype=np.uint8)
    return small.repeat(5, axis=1).repeat(5, axis=2)


def changed(name, given=None, seed=1, training=True):
    given = images() if given is None else given
    return keras.ops.convert_to_numpy(augmentation.apply(augmentation.layers_of(name, seed), given, training))


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_gives_its_images(name):
    first = changed(name)
    assert np.array_equal(first, changed(name)) and not np.allclose(first, changed(name, seed=2))


@pytest.mark.parametrize("name", NAMES)
def test_shape_and_range_stay(name):
    found = changed(name)
    assert found.shape == (6, 30, 30, 3) and found.dtype == np.float32
    assert found.min() > -40 and found.max() < 295


@pytest.mark.parametrize("name", NAMES)
def test_images_that_are_not_trained_on_stay_as_they_are(name):
    np.testing.assert_allclose(changed(name, training=False), images(), atol=1e-3)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"colour"}))
def test_grey_images_stay_grey(name):
    assert changed(name, images(channels=1)).shape == (6, 30, 30, 1)


@pytest.mark.parametrize("name", NAMES)
def test_equal_images_are_changed_differently(name):
    found = changed(name, np.repeat(images()[:1], 6, axis=0))
    assert all(np.abs(found[0] - other).mean() > 2 for other in found[1:])


def test_none_changes_nothing_but_the_type():
    found = changed("none")
    assert found.dtype == np.float32 and np.array_equal(found, images())


def test_colour_is_refused_for_grey_images_with_a_way_out():
    registry.check("colour", 3, "finetune")
    with pytest.raises(RequestError, match='finetune: augment = "colour".*grey. Use "basic" or "elastic", or set'):
        registry.check("colour", 1, "finetune")


def test_what_has_no_hue_gets_none():
    grey = np.repeat(images(1), 3, axis=-1)
    found = changed("colour", grey)
    noise = 255 * 0.02  # each channel has its own
    assert np.abs(found - found.mean(axis=-1, keepdims=True)).mean() < 2 * noise


def test_an_unknown_augmentation_is_refused_with_those_there_are():
    with pytest.raises(RequestError, match="unknown augmentation 'elastc'. Did you mean 'elastic'. Known: basic"):
        augmentation.layers_of("elastc")
