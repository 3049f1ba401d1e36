"""Mixtures of real and synthetic training images."""

import numpy as np
import pandas as pd
import pytest

from indomain.artifacts import synthetic

TABLE = pd.DataFrame(
    {"row": range(10), "y": [0, 0, 0, 0, 1, 1, 0, 1, 0, 1], "split": ["train"] * 6 + ["val", "val", "test", "test"]}
)
REAL = np.arange(10, dtype=np.uint8)[:, None, None, None].repeat(2, 1)
MADE = (
    np.full((20, 2, 1, 1), 200, np.uint8) + np.arange(20, dtype=np.uint8)[:, None, None, None],
    np.repeat([0, 1], 10),
)


def mixture(made=MADE, amount=0.5, real=True, times=3.0):
    images, table = synthetic.mixed(lambda rows: REAL[rows], TABLE, made, amount, real, times)
    train = table[table["split"] == "train"]
    return images, table, images(train["row"].to_numpy())[:, 0, 0, 0], train["y"].to_numpy()


def test_what_is_written_is_read(tmp_path):
    synthetic.write(tmp_path, *MADE)
    images, y = synthetic.read(tmp_path)
    assert np.array_equal(images, MADE[0]) and np.array_equal(y, MADE[1])


def test_synthetic_images_are_a_share_of_each_class():
    _, _, values, y = mixture()
    # Four and two training images: two and one are added, of the first that were made of each class.
    assert set(values) == {0, 1, 2, 3, 4, 5, 200, 201, 210} and len(values) == 18
    assert set(y[values >= 210]) == {1} and set(y[(values >= 200) & (values < 210)]) == {0}
    assert np.ptp(np.unique(values, return_counts=True)[1]) <= 1


def test_oversampling_repeats_the_training_images_and_adds_none():
    _, _, values, _ = mixture(made=None)
    assert set(values) == set(range(6)) and np.unique(values, return_counts=True)[1].tolist() == [3] * 6


def test_synthetic_images_alone():
    _, _, values, y = mixture(amount=2.0, real=False)
    assert set(values) == {*range(200, 208), *range(210, 214)} and len(values) == 18


def test_images_that_are_held_out_stay_as_they_are():
    images, table, *_ = mixture()
    held_out = table[table["split"] != "train"]
    assert held_out["row"].tolist() == [6, 7, 8, 9]
    assert images(held_out["row"].to_numpy())[:, 0, 0, 0].tolist() == [6, 7, 8, 9]


@pytest.mark.parametrize("times", [1.0, 2.5])
def test_the_number_of_images_an_epoch_does_not_depend_on_the_mixture(times):
    assert {
        len(mixture(made, amount, real, times)[2])
        for made, amount, real in ((None, 0, True), (MADE, 0.5, True), (MADE, 2, False))
    } == {round(times * 6)}
