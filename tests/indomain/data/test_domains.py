"""Several sets as one pool: images are found again by their new rows, and classes by the target's numbers."""

import numpy as np
import pandas as pd

from indomain.data import domains


def pool(size, first):
    """Images of one pixel whose value is their row, from `first` on."""
    stored = (np.arange(size) + first).astype(np.uint8)[:, None, None, None]
    return lambda rows: stored[rows]


def test_images_of_several_pools_are_found_by_their_new_rows():
    one, two = pd.DataFrame({"row": [3, 0], "y": [1, 0]}), pd.DataFrame({"row": [1, 2]})
    images, table = domains.joined([(pool(4, 0), one), (pool(3, 100), two)])
    assert images(table["row"].to_numpy()).ravel().tolist() == [3, 0, 101, 102]
    # In any order, and of one pool alone.
    assert images(table["row"].to_numpy()[[2, 1, 2]]).ravel().tolist() == [101, 0, 101]
    assert images(table["row"].to_numpy()[:1]).ravel().tolist() == [3]
    assert images(np.array([], int)).shape == (0, 1, 1, 1)
    assert table["y"].isna().tolist() == [False, False, True, True]


def test_a_pool_without_images_shifts_no_other():
    empty = pd.DataFrame({"row": np.array([], int)})
    images, table = domains.joined([(pool(2, 0), empty), (pool(2, 50), pd.DataFrame({"row": [1]}))])
    assert images(table["row"].to_numpy()).ravel().tolist() == [51]


def test_shares_count_classes_without_images():
    assert domains.shares(np.array([0, 0, 1, 0]), 3) == [0.75, 0.25, 0.0]
