import numpy as np
import pandas as pd
import pytest

from indomain import backend
from indomain.training.batches import Batches, Examples


def identity(rows):
    return np.asarray(rows)


def epoch_of(batches):
    return [batches[number][0].tolist() for number in range(len(batches))]


def test_the_order_depends_on_seed_and_epoch_only():
    batches = Batches(identity, np.arange(10), np.arange(10), batch=4, seed=3)
    first = epoch_of(batches)
    batches.epoch = 1
    assert epoch_of(batches) != first
    batches.epoch = 0
    assert epoch_of(batches) == first
    assert epoch_of(Batches(identity, np.arange(10), np.arange(10), batch=4, seed=4)) != first


def test_an_epoch_shows_each_image_once():
    batches = Batches(identity, np.arange(100, 110), np.arange(10), batch=4, seed=3)
    assert sorted(sum(epoch_of(batches), [])) == list(range(100, 110)) and batches.images == 10


def test_without_a_seed_the_order_is_that_of_the_rows():
    rows = np.array([4, 2, 9])
    assert epoch_of(Batches(identity, rows, np.arange(3), batch=2)) == [[4, 2], [9]]


def test_classes_and_weights_go_with_their_images():
    rows, y, weights = np.arange(10), np.arange(10) * 10, np.arange(10) / 10
    batches = Batches(identity, rows, y, weights, batch=4, seed=0)
    for images, classes, given in (batches[number] for number in range(len(batches))):
        assert np.array_equal(classes, images * 10)
        np.testing.assert_allclose(given, images / 10, rtol=1e-6)


def test_other_classes_are_given_from_the_next_batch_on():
    batches = Batches(identity, np.arange(4), np.zeros(4, int), batch=2)
    batches.give(np.array([5, 6, 7, 8]), np.array([1.0, 2.0, 3.0, 4.0]))
    assert batches[1][1].tolist() == [7, 8] and batches[1][2].tolist() == [3.0, 4.0]


def test_without_labels_a_short_last_batch_is_left_out():
    # It would have fewer negatives than the others.
    batches = Batches(identity, np.arange(10), batch=4, seed=0)
    assert [len(batches[number][0]) for number in range(len(batches))] == [4, 4]


def test_a_set_smaller_than_a_batch_is_one_batch():
    assert len(Batches(identity, np.arange(3), batch=8)) == 1
    assert len(Batches(identity, np.arange(3), np.arange(3), batch=8)) == 1


@pytest.fixture
def three_devices(monkeypatch):
    monkeypatch.setattr(backend, "_sharers", 3)


def test_devices_get_equal_parts_and_what_fills_them_up_has_no_weight(three_devices):
    batches = Batches(identity, np.arange(8), np.arange(8), batch=8)
    images, y, weights = batches[0]
    assert len(images) == 9 and np.array_equal(images, y)
    # The mean over all nine is the mean over the eight.
    assert weights[8] == 0 and np.mean(weights * y) == pytest.approx(np.mean(np.arange(8)))


def test_without_labels_a_batch_is_a_multiple_of_the_devices(three_devices):
    assert {len(batch) for batch in epoch_of(Batches(identity, np.arange(20), batch=8, seed=0))} == {6}


def test_a_part_of_the_examples_is_that_of_the_split():
    table = pd.DataFrame({"row": [7, 8, 9], "y": [0, 1, 0], "split": ["train", "val", "train"]})
    rows, y = Examples(identity, table).part("train")
    assert rows.tolist() == [7, 9] and y.tolist() == [0, 0]
    assert not len(Examples(identity, table).part("test")[0])
