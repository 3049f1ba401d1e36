import numpy as np
import pytest

from indomain.artifacts.features import Features, read_features, write_features

ROWS = np.array([2, 5, 7, 100])
FEATURES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@pytest.fixture
def features(tmp_path):
    write_features(tmp_path, ROWS, FEATURES)
    return read_features(tmp_path)


def test_features_come_back_to_the_bit(features):
    assert np.array_equal(features(ROWS), FEATURES) and features.features.dtype == np.float32


def test_rows_are_asked_for_in_any_order_and_more_than_once(features):
    assert np.array_equal(features(np.array([100, 2, 2])), FEATURES[[3, 0, 0]])


@pytest.mark.parametrize("row", [0, 3, 6, 101])
def test_an_image_without_features_gets_no_neighbours(features, row):
    with pytest.raises(KeyError, match="no features"):
        features(np.array([2, row]))


def test_nothing_in_a_file_of_features_is_unpickled(tmp_path):
    np.savez(tmp_path / "features.npz", rows=ROWS, features=np.array([{}, {}, {}, {}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_features(tmp_path)


def test_features_in_memory_answer_alike():
    assert np.array_equal(Features(ROWS, FEATURES)(np.array([7])), FEATURES[[2]])
