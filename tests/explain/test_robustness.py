"""A network's scores of its test images, corrupted, and under each condition of a marker."""

import numpy as np
import pandas as pd
import pytest

from explain.robustness import run
from indomain.artifacts import predictions
from indomain.artifacts.explanations import read_corrupted
from indomain.data.images import confounders, corruptions
from indomain.data.split import Split
from indomain.networks import inference, weights

SCORES = ["score_normal", "score_abnormal"]


@pytest.fixture
def corrupted(work, tmp_path):
    """Runs it on a target; returns the work, its rows, and the network's images and predictions of test images."""

    def of(target):
        given = work("robustness", target=target)
        facts = run(given)
        rows, _, scores = predictions.read(given.inputs["network"] / "predictions.csv", ["normal", "abnormal"])
        test = (rows["split"] == "test").to_numpy()
        table = Split.open(given.task.paths).labelled(given.params)
        table = table[table["split"] == "test"].reset_index(drop=True)
        images = Split.open(given.task.paths).images(1)(table["row"].to_numpy())
        assert facts == {"images": int(test.sum()), "learnt": 25}
        return given, read_corrupted(tmp_path), images, table, scores[test]

    return of


@pytest.mark.parametrize("target", ["wrist", "marked"])
def test_images_as_they_are_have_the_scores_that_were_predicted(corrupted, target):
    # Those of a target with a marker carry it, in the predictions of fine-tuning and here.
    _, rows, _, table, scores = corrupted(target)
    clean = rows[rows["corruption"] == "none"]
    assert clean["id"].tolist() == table["id"].tolist() and set(clean["severity"]) == {0}
    np.testing.assert_allclose(clean[SCORES], scores, atol=1e-6)


def test_every_corruption_has_its_rows_at_every_severity(corrupted):
    _, rows, images, _, _ = corrupted("wrist")
    counts = rows[rows["corruption"] != "none"].groupby(["corruption", "severity"]).size()
    assert counts.to_dict() == {(name, level): len(images) for name in ("gaussian-noise", "marker") for level in (1, 5)}


@pytest.mark.parametrize("target", ["wrist", "marked"])
def test_scores_are_those_of_the_images_corrupted_with_their_marker(corrupted, target):
    given, rows, images, table, _ = corrupted(target)
    if target == "marked":
        images = confounders.tested_images(images, table, "as learnt", given.params["confounder"])
    spoilt = corruptions.corrupt(images, "gaussian-noise", 5, given.params["seed"], table["id"].tolist())
    model = weights.load(given.inputs["network"] / "model.keras")
    own = rows[(rows["corruption"] == "gaussian-noise") & (rows["severity"] == 5)]
    np.testing.assert_allclose(own[SCORES], inference.predict_arrays(model, spoilt), atol=1e-6)


def test_each_condition_of_a_marker_is_scored(corrupted):
    given, rows, images, table, scores = corrupted("marked")
    marked = rows[rows["corruption"].str.startswith("marker ")].set_index(["corruption", "id"])[SCORES]
    assert list(marked.index.get_level_values(0).unique()) == [f"marker {name}" for name in confounders.CONDITIONS]
    carries = confounders.markers(table["id"].tolist(), table["y"].to_numpy(), 1.0, 0)
    absent, learnt = (marked.loc[f"marker {name}"].loc[table["id"]] for name in ("absent", "as learnt"))
    np.testing.assert_allclose(learnt, scores, atol=1e-6)
    model = weights.load(given.inputs["network"] / "model.keras")
    np.testing.assert_allclose(absent, inference.predict_arrays(model, images), atol=1e-6)
    changed = np.abs(absent - learnt).max(axis=1) > 1e-9
    assert isinstance(changed, pd.Series) and changed.tolist() == carries.tolist()
