"""The scores of the networks' own heads become one."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from fusion import heads
from fusion.scores import likeliest_weights, logarithms
from indomain.artifacts import predictions
from indomain.runs.task import Work, find

CLASSES = ["normal", "abnormal"]


@pytest.fixture
def fuse(fused, fitted, tmp_path):
    """Fuses the heads of the networks by a rule; returns facts, the scores fused, and what went in."""

    def run(rule):
        task = next(task for task in find(fused[1], "fusion", "heads", chain="random") if task.params["rule"] == rule)
        folders = [fitted[network.digest] for network in task.inputs["networks"]]
        facts = heads.fuse(Work(task, tmp_path, {"networks": folders}))
        given = [predictions.read(folder / "predictions.csv", CLASSES) for folder in folders]
        return facts, predictions.read(tmp_path / "predictions.csv", CLASSES), given

    return run


def parts(given):
    """The members' scores of validation and test images, and the classes of the former."""
    test = (given[0][0]["split"] == "test").to_numpy()
    return [scores[~test] for *_, scores in given], [scores[test] for *_, scores in given], given[0][1][~test]


def test_the_mean_is_that_of_the_networks_scores(fuse):
    _, (_, _, scores), given = fuse("score-mean")
    np.testing.assert_allclose(scores, np.mean(parts(given)[1], axis=0), atol=1e-7)


def test_only_test_images_are_predicted(fuse):
    _, (rows, y, _), given = fuse("score-mean")
    expected = given[0][0][given[0][0]["split"] == "test"]
    assert set(rows["split"]) == {"test"} and rows["id"].tolist() == expected["id"].tolist()
    assert [CLASSES[number] for number in y] == expected["label"].tolist()


def test_weights_are_learnt_on_validation_images(fuse):
    facts, (_, _, scores), given = fuse("score-weighted")
    held_out, test, y = parts(given)
    weights = likeliest_weights(held_out, y)
    np.testing.assert_allclose(facts["weights"], weights, atol=5e-5)
    np.testing.assert_allclose(scores, np.einsum("k,knc->nc", weights, np.stack(test)), atol=1e-7)


def test_a_stacker_is_learnt_on_validation_images(fuse):
    _, (_, _, scores), given = fuse("score-stacking")
    held_out, test, y = parts(given)
    stacker = LogisticRegression(max_iter=1000).fit(logarithms(held_out), y)
    np.testing.assert_allclose(scores, stacker.predict_proba(logarithms(test)), atol=1e-7)


def test_what_the_heads_learnt_from_is_what_the_fusion_did(fuse):
    assert fuse("score-mean")[0]["images"] == 25
