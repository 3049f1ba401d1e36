import numpy as np
import pandas as pd
import pytest

from indomain.artifacts import explanations
from indomain.artifacts.explanations import CorruptedRows, MeasureRows

IDS, GROUPS = ["007", "NA"], ["01", "p2"]


def test_maps_and_what_they_are_about_come_back(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 4, 4, 1), dtype=np.uint8)
    maps = {"grad-cam": rng.normal(size=(2, 4, 4)).astype(np.float32), "lime": np.zeros((2, 4, 4), np.float32)}
    masks = rng.integers(0, 2, (2, 4, 4), dtype=np.uint8)
    about = {"id": np.array(IDS), "y": np.array([0, 1]), "explained": np.array([1, 1])}
    explanations.write_maps(tmp_path, maps, masks, images=images, **about)
    found = explanations.read_maps(tmp_path)
    assert set(found) == {"grad-cam", "lime", "masks", "images", *about}
    for name, values in {**maps, **about, "masks": masks, "images": images}.items():
        assert np.array_equal(found[name], values) and found[name].dtype == values.dtype


def test_a_set_without_masks_has_none_in_its_file(tmp_path):
    explanations.write_maps(tmp_path, {"lime": np.zeros((1, 2, 2), np.float32)})
    assert set(explanations.read_maps(tmp_path)) == {"lime"}


@pytest.fixture
def measures(tmp_path):
    rows = MeasureRows(IDS, GROUPS)
    rows.add("grad-cam", "overlap", [0.25, np.nan])
    rows.add("lime", "overlap", None)
    rows.add("lime", "deletion", np.array([1 / 3, 0.5]))
    rows.write(tmp_path)
    return explanations.read_measures(tmp_path)


def test_measures_come_back_one_row_per_image_explanation_and_measure(measures):
    assert measures["explanation"].tolist() == ["grad-cam", "grad-cam", "lime", "lime"]
    assert measures["measure"].tolist() == ["overlap", "overlap", "deletion", "deletion"]
    np.testing.assert_allclose(measures["value"], [0.25, np.nan, 1 / 3, 0.5], rtol=1e-7)


def test_an_image_called_na_is_no_missing_value(measures):
    assert measures["id"].tolist() == [*IDS, *IDS] and measures["group"].tolist() == [*GROUPS, *GROUPS]


def test_an_image_without_a_value_has_none(measures):
    assert np.isnan(measures["value"]).tolist() == [False, True, False, False]


def test_scores_under_corruptions_come_back(tmp_path):
    images = pd.DataFrame({"id": IDS, "group": GROUPS, "y": [0, 1], "row": [3, 4]})
    rows = CorruptedRows(images, ["normal", "abnormal"])
    clean, noisy = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([[0.6, 0.4], [1 / 3, 2 / 3]])
    rows.add(explanations.CLEAN, 0, clean)
    rows.add("noise", 3, noisy)
    rows.write(tmp_path)
    found = explanations.read_corrupted(tmp_path)
    assert found["corruption"].tolist() == ["none", "none", "noise", "noise"]
    assert found["severity"].tolist() == [0, 0, 3, 3]
    assert found["id"].tolist() == [*IDS, *IDS] and found["y"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(found[["score_normal", "score_abnormal"]], np.vstack([clean, noisy]), atol=5e-9)
