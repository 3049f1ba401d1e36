from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from finetune import run
from finetune.plan import plan
from indomain.artifacts import predictions
from indomain.artifacts.features import read_features
from indomain.artifacts.record import read_record
from indomain.data.images import confounders
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.networks import architecture, inference, weights
from indomain.networks.options import Architecture
from indomain.runs.task import find
from indomain.runs.worker import run_one
from tests.small import study_of

FULL = ["seeds=[0]", "finetune.epochs=1", "finetune.batch=8"]
SHELF = ["seeds=[0]", 'finetune.strategies=["off-the-shelf"]']


@pytest.fixture(scope="module")
def made(tmp_path_factory, cache_dir):
    """Does the tasks of the first fold of the small recipe with other keys; returns the network's task and folder."""
    folder = tmp_path_factory.mktemp("study")

    def do(*settings):
        study = study_of(folder, cache_dir, *settings)
        (network,) = find(plan(study, []), "finetune", fold=0)
        for task in [*network.needed(), network]:
            run_one(task, study.runs)
        return network, study.runs.folder(network), [study.runs.folder(task) for task in network.needed()]

    return do


@pytest.fixture(scope="module", params=[FULL, SHELF], ids=["full", "off-the-shelf"])
def finished(request, made):
    return made(*request.param)


def test_the_images_that_choose_and_test_are_predicted(finished):
    task, folder, _ = finished
    table, y, scores = predictions.read(folder / "predictions.csv", task.params["classes"])
    rows = Split.open(task.paths).table(0)
    expected = rows[rows["split"].isin(["val", "test"])]
    assert table["id"].tolist() == expected["id"].tolist() and y.tolist() == expected["y"].tolist()
    assert set(table["split"]) == {"val", "test"}
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)


def test_the_saved_network_gives_the_scores_of_the_predictions(finished):
    task, folder, _ = finished
    split = Split.open(task.paths)
    rows = split.table(0)
    tested = rows.loc[rows["split"] == "test", "row"].to_numpy()
    model = keras.saving.load_model(folder / "model.keras")
    table, _, scores = predictions.read(folder / "predictions.csv", task.params["classes"])
    found = scores[table["split"] == "test"]
    np.testing.assert_allclose(inference.predict(model, split.images(1), tested), found, rtol=1e-4, atol=1e-5)


def test_the_record_counts_the_images_learnt_from(finished):
    task, folder, _ = finished
    rows = Split.open(task.paths).table(0)
    # Off the shelf there is no epoch to choose on the validation images.
    learnt = ["train"] if task.params["strategy"] == "full" else ["train", "val"]
    assert read_record(folder).facts["images"] == rows["split"].isin(learnt).sum()


def test_off_the_shelf_validation_scores_are_of_a_regression_that_has_not_seen_them(made):
    task, folder, (stored,) = made(*SHELF)
    rows = Split.open(task.paths).table(0)
    X, y = read_features(stored)(rows["row"].to_numpy()).astype(float), rows["y"].to_numpy()
    table, _, scores = predictions.read(folder / "predictions.csv", task.params["classes"])
    found = pd.DataFrame(scores, table["id"])
    for learnt, told in ((["train"], "val"), (["train", "val"], "test")):
        seen, asked = rows["split"].isin(learnt), (rows["split"] == told).to_numpy()
        regression = LogisticRegression(C=0.01, class_weight="balanced", max_iter=5000, tol=1e-6)
        fitted = make_pipeline(StandardScaler(), regression).fit(X[seen], y[seen])
        np.testing.assert_allclose(found.loc[rows["id"][asked]], fitted.predict_proba(X[asked]), atol=1e-4)


def test_the_features_of_all_images_are_those_of_the_backbone(made):
    task, _, (folder,) = made(*SHELF)
    split, spec = Split.open(task.paths), Architecture.of(task.params["backbone"])
    backbone = architecture.backbone(spec)
    weights.start(backbone, spec, "random", 0)
    rows = split.rows()
    found = read_features(folder)
    assert np.array_equal(found.rows, rows)
    np.testing.assert_allclose(found(rows), inference.predict(backbone, split.images(1), rows), rtol=1e-4, atol=1e-5)


def test_a_training_that_diverges_is_a_finished_run_without_predictions(made):
    _, folder, _ = made(*FULL, "finetune.epochs=2", "finetune.learning_rate=1e30")
    assert read_record(folder).diverged.startswith("finetune: the loss became nan in epoch ")
    assert (folder / "log.csv").is_file() and not (folder / "predictions.csv").exists()


def test_a_marker_that_goes_with_the_label_is_seen_and_learnt(made):
    # The marker names the class of every image: with it the class is easier to tell than without.
    task, folder, _ = made(
        *FULL,
        "finetune.epochs=6",
        "finetune.learning_rate=1e-2",
        'finetune.select="last"',
        "targets.wrist.confounder={share=1}",
    )
    split = Split.open(task.paths)
    rows = split.table(0)
    rows = rows[rows["split"].isin(["val", "test"])].reset_index(drop=True)
    seen = confounders.marked(split.images(1), rows, task.params["confounder"])
    model = keras.saving.load_model(folder / "model.keras")
    _, _, scores = predictions.read(folder / "predictions.csv", task.params["classes"])
    marked, plain = (inference.predict(model, images, rows["row"].to_numpy()) for images in (seen, split.images(1)))
    np.testing.assert_allclose(marked, scores, rtol=1e-4, atol=1e-5)
    assert np.abs(plain - scores).max() > 1e-3


def test_a_label_budget_leaves_fewer_training_images_and_all_test_images(made):
    task, folder, _ = made(*SHELF, "targets.wrist.shots=[3]")
    table = pd.read_csv(folder / "predictions.csv")
    rows = Split.open(task.paths).table(0)
    # Three of each class, and one of each for validation.
    assert read_record(folder).facts["images"] == 8
    assert (table["split"] == "test").sum() == (rows["split"] == "test").sum()


def test_initial_weights_that_do_not_fit_are_refused_before_any_work(finished, tmp_path):
    task = finished[0]
    run.check([task])
    (tmp_path / "mine.keras").write_text("no network")
    with pytest.raises(RequestError, match="mine.keras is not a .keras file"):
        run.check([task, replace(task, paths={**task.paths, "start": str(tmp_path / "mine.keras")})])
