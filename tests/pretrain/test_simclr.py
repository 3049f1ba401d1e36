import numpy as np
import pytest
from keras import ops

from pretrain.simclr import SimCLR, nt_xent
from tests.small import problem


@pytest.fixture
def views():
    """Two views each of four images, as vectors of length 1."""
    drawn = np.random.default_rng(0).normal(size=(8, 5))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_the_loss_is_equation_one_of_the_paper(views):
    expected = []
    for i in range(8):
        others = [k for k in range(8) if k != i]
        similarity = np.exp(views @ views[i] / 0.5)
        expected.append(-np.log(similarity[(i + 4) % 8] / similarity[others].sum()))
    loss, _ = nt_xent(ops.convert_to_tensor(views.astype("float32")), 0.5)
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)


def test_views_that_find_each_other_are_matched():
    perfect = np.concatenate([np.eye(4)] * 2).astype("float32")
    half = np.concatenate([np.eye(4), np.eye(4)[[0, 1, 3, 2]]]).astype("float32")
    assert float(nt_xent(ops.convert_to_tensor(perfect), 0.1)[1]) == 1.0
    assert float(nt_xent(ops.convert_to_tensor(half), 0.1)[1]) == 0.5


def test_the_two_views_of_a_batch_are_augmented_differently():
    import keras

    network = keras.Sequential([keras.layers.Input((16, 16, 1)), keras.layers.Flatten()])
    found = ops.convert_to_numpy(SimCLR(network, "contrastive", 0.5)(problem().images(np.arange(4)), training=True))
    assert found.shape == (8, 256)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert all(np.abs(first - second).max() > 0.01 for first, second in zip(found[:4], found[4:]))
