import numpy as np
import pandas as pd
import pytest

from indomain.artifacts import predictions

CLASSES = ["normal", "abnormal"]
SCORES = np.array([[0.25, 0.75], [1 / 3, 2 / 3], [1.0, 0.0]])


@pytest.fixture
def rows():
    """Three images, with names that another reader would take for numbers or for nothing."""
    return pd.DataFrame(
        {
            "id": ["007", "NA", "b,c"],
            "patient": ["01", "1", "nan"],
            "study": ["", "s", "s"],
            "image": ["007", "NA", "b,c"],
            "group": ["01", "1", "nan"],
            "split": ["val", "test", "test"],
            "y": [1, 0, 0],
            "row": [4, 5, 9],
        }
    )


@pytest.fixture
def read(tmp_path, rows):
    predictions.write(tmp_path / "predictions.csv", rows, SCORES, CLASSES)
    return predictions.read(tmp_path / "predictions.csv", CLASSES)


def test_names_come_back_as_text(read, rows):
    for column in predictions.KNOWN:
        assert read[0][column].tolist() == rows[column].tolist()


def test_classes_come_back_as_numbers(read):
    assert read[0]["label"].tolist() == ["abnormal", "normal", "normal"] and read[1].tolist() == [1, 0, 0]


def test_a_classifiers_scores_come_back_as_they_were(read):
    np.testing.assert_array_equal(read[2], SCORES)


def test_a_networks_scores_come_back_to_eight_decimals(tmp_path, rows):
    predictions.write(tmp_path / "predictions.csv", rows, SCORES.astype(np.float32), CLASSES)
    assert "0.33333334,0.66666669\n" in (tmp_path / "predictions.csv").read_text()
    np.testing.assert_allclose(predictions.read(tmp_path / "predictions.csv", CLASSES)[2], SCORES, atol=5e-8)


def test_scores_near_0_and_1_are_still_told_apart(tmp_path, rows):
    low = np.array([1e-12, 2e-12, 3e-12])
    predictions.write(tmp_path / "predictions.csv", rows, np.stack([1 - low, low], axis=1), CLASSES)
    _, _, scores = predictions.read(tmp_path / "predictions.csv", CLASSES)
    assert (np.diff(scores[:, 1]) > 0).all() and (np.diff(scores[:, 0]) < 0).all()


def test_equal_scores_make_equal_bytes(tmp_path, rows):
    for name in "ab":
        predictions.write(tmp_path / name, rows, SCORES.astype(np.float32), CLASSES)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_scores_stand_in_the_order_of_the_classes_asked_for(tmp_path, rows):
    predictions.write(tmp_path / "predictions.csv", rows, SCORES, CLASSES)
    _, y, scores = predictions.read(tmp_path / "predictions.csv", CLASSES[::-1])
    assert y.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(scores, SCORES[:, ::-1])


def test_a_class_that_the_reader_does_not_know_is_an_error(tmp_path, rows):
    predictions.write(tmp_path / "predictions.csv", rows, SCORES, CLASSES)
    with pytest.raises(ValueError, match="abnormal"):
        predictions.read(tmp_path / "predictions.csv", ["normal", "ill"])
