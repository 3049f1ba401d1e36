"""Corruptions in graded severity."""

import numpy as np
import pytest

from indomain.data.images import corruptions
from indomain.data.images.corruptions import CORRUPTIONS, corrupt
from indomain.errors import RequestError

IDS = ["a", "b", "c"]


def images(channels: int = 1) -> np.ndarray:
    """Three coarse images of 48 × 64 pixels."""
    coarse = np.random.default_rng(0).integers(40, 216, (3, 8, 8, channels)).astype(np.uint8)
    return coarse.repeat(6, axis=1).repeat(8, axis=2)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_higher_severity_changes_more(name, channels):
    clean = images(channels)
    corrupted = [corrupt(clean, name, severity, 0, IDS) for severity in range(1, 6)]
    assert all(one.shape == clean.shape and one.dtype == np.uint8 for one in corrupted)
    errors = [np.abs(one.astype(float) - clean).mean() for one in corrupted]
    # A marker may fall on a bright corner: it need only be there.
    assert 0 < errors[0] < errors[-1] and (errors == sorted(errors) or name == "marker")


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_an_images_corruption_is_its_own_whatever_stands_beside_it(name):
    together = corrupt(images(), name, 5, 0, IDS)
    assert np.array_equal(corrupt(images()[[1]], name, 5, 0, ["b"])[0], together[1])


@pytest.mark.parametrize("name", ["gaussian-noise", "poisson-noise", "occlusion"])
def test_another_seed_or_name_draws_another(name):
    first = corrupt(images()[:1], name, 3, 1, ["a"])
    assert not np.array_equal(first, corrupt(images()[:1], name, 3, 2, ["a"]))
    assert not np.array_equal(first, corrupt(images()[:1], name, 3, 1, ["b"]))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_images_given_are_left_alone(name):
    clean = images()
    corrupt(clean, name, 5, 0, IDS)
    assert np.array_equal(clean, images())


def test_an_unknown_corruption_is_answered_with_the_nearest():
    with pytest.raises(RequestError, match="unknown corruption 'blurr'. Did you mean 'blur'"):
        corrupt(images(), "blurr", 1, 0, IDS)


@pytest.mark.parametrize("corner", range(4))
def test_a_marker_is_white_and_stands_in_its_corner(corner):
    marked = corruptions.burnt_in(np.zeros((40, 60, 1)), 0.2, corner)
    rows, columns = np.nonzero(marked[..., 0])
    assert set(np.unique(marked)) == {0, 255}
    assert (rows.max() < 20) == (corner < 2) and (columns.max() < 30) == (corner % 2 == 0)
    assert rows.max() - rows.min() + 1 == 8  # 0.2 of the shorter side


def test_lengths_are_shares_of_the_shorter_side():
    black = [np.zeros((1, side, 2 * side, 1), np.uint8) for side in (100, 400)]
    shares = [(corrupt(one, "marker", 4, 0, ["a"]) > 0).mean() for one in black]
    assert shares[0] == pytest.approx(shares[1], rel=0.15)
