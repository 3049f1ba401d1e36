"""A marker that goes with the label."""

import numpy as np
import pandas as pd
import pytest

from indomain.data.images import confounders

MANY = [str(number) for number in range(2000)], np.arange(2000) % 2
TABLE = pd.DataFrame({"id": list("abcd"), "row": [3, 1, 2, 0], "y": [0, 1, 0, 1]})
ALWAYS = {"share": 1.0, "seed": 0}


def test_a_share_of_the_positives_carries_it_and_the_rest_of_the_others():
    ids, y = MANY
    found = confounders.markers(ids, y, 0.9, 0)
    assert found[y == 1].mean() == pytest.approx(0.9, abs=0.03) and found[y == 0].mean() == pytest.approx(0.1, abs=0.03)


def test_a_mark_is_each_images_own():
    ids, y = MANY
    found = confounders.markers(ids, y, 0.9, 0)
    assert np.array_equal(confounders.markers(ids[5:50], y[5:50], 0.9, 0), found[5:50])
    assert not np.array_equal(confounders.markers(ids, y, 0.9, 1), found)


@pytest.mark.parametrize(
    ("condition", "marked"),
    [
        ("as learnt", [False, True, False, True]),
        ("absent", [False] * 4),
        ("reversed", [True, False, True, False]),
    ],
)
def test_tested_images_carry_it_as_the_condition_says(condition, marked):
    images = np.zeros((4, 32, 32, 1), np.uint8)
    shown = confounders.tested_images(images, TABLE, condition, ALWAYS)
    assert shown.any(axis=(1, 2, 3)).tolist() == marked and not images.any(), "the images given are left alone"


def test_every_condition_can_be_tested():
    images = np.zeros((4, 32, 32, 1), np.uint8)
    assert all(len(confounders.tested_images(images, TABLE, name, ALWAYS)) == 4 for name in confounders.CONDITIONS)


def test_rows_are_marked_by_their_labels_in_whatever_order_they_are_read():
    images = np.zeros((4, 32, 32, 1), np.uint8)
    seen = confounders.marked(lambda rows: images[rows], TABLE, ALWAYS)
    # Rows 0 and 1 are of class 1.
    assert seen(np.array([0, 1, 2, 3])).any(axis=(1, 2, 3)).tolist() == [True, True, False, False]
    assert seen(np.array([3, 0])).any(axis=(1, 2, 3)).tolist() == [False, True]
