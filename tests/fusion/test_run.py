"""A run of fusion: features of a network, and a classifier on them."""

from dataclasses import replace

import numpy as np
import pytest

from fusion.run import check, run
from indomain.artifacts import fitted_classifier, predictions
from indomain.artifacts.features import read_features
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.networks import architecture, inference, weights
from indomain.runs.stages import STAGES
from indomain.runs.task import Work, find, unique

CLASSES = ["normal", "abnormal"]


@pytest.fixture(scope="module")
def extracted(fused, fitted, tmp_path_factory):
    """The features of the two networks of one chain: task, folder and facts of each."""
    found = []
    for task in unique(find(fused[1], "fusion", "features", chain="random")):
        folder = tmp_path_factory.mktemp("features")
        network = fitted[task.input("network").digest]
        found.append((task, folder, run(Work(task, folder, {"network": network}))))
    return found


def classified(fused, extracted, folder, **method):
    """Runs the classifier of this method on both networks' features; returns task and facts."""
    tasks = find(fused[1], "fusion", "classify", chain="random", backbone="dcnn-light-w0.125+dcnn-light-w0.25")
    task = next(task for task in tasks if all(getattr(task.tags.method, key) == value for key, value in method.items()))
    return task, run(Work(task, folder, {"features": [place for _, place, _ in extracted]}))


def test_features_are_what_the_head_sees(fused, fitted, extracted):
    task, folder, facts = extracted[0]
    split = Split.open(task.paths)
    model = weights.load(fitted[task.input("network").digest] / "model.keras")
    rows = split.labelled(task.params)["row"].to_numpy()
    before_head = model.get_layer("logits").input._keras_history.operation.name
    expected = inference.predict(architecture.up_to(model, before_head), split.images(1), rows)
    np.testing.assert_allclose(read_features(folder)(rows), expected, atol=1e-6)
    assert facts == {"images": len(rows), "features": expected.shape[1], "layer": before_head}


def test_poolings_of_the_last_maps_stand_side_by_side(fitted, extracted, tmp_path):
    task = extracted[0][0]
    pooled = replace(task, params={**task.params, "pooling": ["mean", "max"]})
    network = fitted[task.input("network").digest]
    run(Work(pooled, tmp_path, {"network": network}))
    split, model = Split.open(task.paths), weights.load(network / "model.keras")
    rows = split.labelled(task.params)["row"].to_numpy()
    maps = inference.predict(architecture.up_to(model, architecture.maps_layer(model)), split.images(1), rows)
    expected = np.concatenate([maps.mean(axis=(1, 2)), maps.max(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(read_features(tmp_path)(rows), expected, atol=1e-5)


def test_an_unknown_layer_is_refused_before_any_work_starts(extracted):
    task = extracted[0][0]
    with pytest.raises(RequestError, match="unknown layer 'pol'. Did you mean 'pool'"):
        check([task, replace(task, params={**task.params, "layer": "pol"})])


def test_test_images_are_predicted_by_what_learnt_on_the_others(fused, extracted, tmp_path):
    task, facts = classified(fused, extracted, tmp_path, rule="concat", classifier="naive-bayes")
    rows, _, scores = predictions.read(tmp_path / "predictions.csv", CLASSES)
    table = Split.open(task.paths).labelled(task.params)
    assert rows["id"].tolist() == table.loc[table["split"] == "test", "id"].tolist()
    assert facts == {"images": int((table["split"] != "test").sum())}
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_what_is_to_be_kept_answers_the_same_when_it_is_read(fused, extracted, tmp_path):
    task, _ = classified(fused, extracted, tmp_path, rule="concat", classifier="lda")
    rows, _, scores = predictions.read(tmp_path / "predictions.csv", CLASSES)
    table = Split.open(task.paths).labelled(task.params).set_index("id").loc[rows["id"]]
    joined = np.concatenate([read_features(folder)(table["row"].to_numpy()) for _, folder, _ in extracted], axis=1)
    kept = fitted_classifier.read(tmp_path / "classifier.skops", STAGES)
    np.testing.assert_allclose(kept.predict_proba(joined), scores, atol=1e-7)


def test_what_is_not_to_be_kept_leaves_no_file(fused, extracted, tmp_path):
    classified(fused, extracted, tmp_path, rule="concat", classifier="naive-bayes")
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.csv"]


def test_a_rule_of_scores_reports_the_weight_of_each_network(fused, extracted, tmp_path):
    _, facts = classified(fused, extracted, tmp_path, rule="score-weighted", classifier="naive-bayes")
    assert len(facts["weights"]) == 2 and sum(facts["weights"]) == pytest.approx(1, abs=1e-3)
