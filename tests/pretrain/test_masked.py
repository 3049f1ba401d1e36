import numpy as np
import pytest
from keras import ops

from pretrain.masked import Hidden

CLEAN = (np.random.default_rng(0).random((40, 10, 12, 3)) * 255).astype("float32")


@pytest.fixture(scope="module")
def hidden():
    """What the network sees, and where pixels are hidden."""
    seen, counts = Hidden(0.6, 4)(ops.convert_to_tensor(CLEAN))
    return ops.convert_to_numpy(seen), ops.convert_to_numpy(counts)


def test_what_is_not_hidden_is_seen_as_it_is(hidden):
    seen, counts = hidden
    here = np.broadcast_to(counts == 0, CLEAN.shape)
    np.testing.assert_allclose(seen[here], CLEAN[here], rtol=1e-5)


def test_what_is_hidden_is_seen_in_the_images_mean_colour(hidden):
    seen, counts = hidden
    here = np.broadcast_to(counts == 1, CLEAN.shape)
    mean = np.broadcast_to(CLEAN.mean(axis=(1, 2), keepdims=True), CLEAN.shape)
    np.testing.assert_allclose(seen[here], mean[here], rtol=1e-4)


def test_whole_patches_are_hidden_each_with_its_probability(hidden):
    counts = hidden[1]
    assert set(np.unique(counts)) == {0.0, 1.0}
    patches = counts[:, :8].reshape(40, 2, 4, 3, 4)
    assert np.array_equal(patches.min(axis=(2, 4)), patches.max(axis=(2, 4)))
    assert 0.45 < counts.mean() < 0.75


def test_each_image_has_its_own_patches_hidden(hidden):
    assert len({pattern.tobytes() for pattern in hidden[1]}) > 20
