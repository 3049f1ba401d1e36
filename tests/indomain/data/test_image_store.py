"""Images by row number."""

import numpy as np
import pytest

from indomain.data.image_store import ImageStore
from indomain.data.images import resizing


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """A grey set of five and one in colour of three: paths, and arrays."""
    folder, rng = tmp_path_factory.mktemp("arrays"), np.random.default_rng(0)
    grey = rng.integers(0, 256, (5, 6, 4), dtype=np.uint8)
    colour = rng.integers(0, 256, (3, 6, 4, 3), dtype=np.uint8)
    for name, array in (("grey", grey), ("colour", colour)):
        np.save(folder / f"{name}.npy", array)
    return [folder / "grey.npy", folder / "colour.npy"], [grey, colour]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("which", [0, 1])
def test_rows_come_in_the_order_asked_for_with_the_channels_asked_for(arrays, which, channels):
    path, array = arrays[0][which], arrays[1][which]
    rows = np.array([2, 0, 2, 1])
    found = ImageStore(path, channels)(rows)
    assert found.shape == (4, 6, 4, channels) and np.array_equal(found, resizing.to_channels(array[rows], channels))


@pytest.mark.parametrize("channels", [1, 3])
def test_rows_of_the_second_set_follow_those_of_the_first(arrays, channels):
    paths, (grey, colour) = arrays
    found = ImageStore(paths, channels)(np.array([7, 0, 5, 4, 6]))
    expected = [resizing.to_channels(one, channels) for one in (colour[2], grey[0], colour[0], grey[4], colour[1])]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected))


def test_no_rows_are_no_images(arrays):
    assert ImageStore(arrays[0][0], 3)(np.array([], int)).shape == (0, 6, 4, 3)
    assert ImageStore(arrays[0], 1)(np.array([], int)).shape == (0, 6, 4, 1)


def test_a_file_that_ends_too_early_is_named(arrays, tmp_path):
    path = tmp_path / "images.npy"
    path.write_bytes(arrays[0][0].read_bytes())
    store = ImageStore(path, 1)
    path.write_bytes(path.read_bytes()[:-1])
    assert store(np.array([3])).shape == (1, 6, 4, 1)
    with pytest.raises(OSError, match="images.npy ends before image 4: prepare the set again"):
        store(np.array([4]))
