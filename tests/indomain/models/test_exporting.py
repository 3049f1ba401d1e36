"""An exported model scores images as the run did, knows what it has learnt from, and leaves nothing half-written."""

import numpy as np
import pandas as pd
import pytest

from indomain.artifacts import exported, predictions
from indomain.errors import RequestError
from indomain.models import exporting, predicting
from indomain.networks import seen


def test_the_folder_has_all_that_is_needed(network, classifier):
    assert {path.name for path in network.iterdir()} == {"model.json", "README.md", "network-0.keras", "seen.npz"}
    assert (classifier / "classifier.skops").is_file()
    content = exported.read(network).content
    assert content["classes"] == ["normal", "abnormal"] and content["positive"] == "abnormal"
    assert content["input"] == {"shape": [32, 32, 1], "grey": True, "fit": "pad", "contrast": "as it is"}
    assert content["run"]["trainings"] == 2 and content["run"]["chain"] == "in-domain"
    assert content["data"]["target"]["synthetic"] and "imagenet" in content["trained_on"]
    assert [source["set"] for source in content["data"]["sources"]] == ["small/all-but-wrist"]
    assert content["temperature"] > 0


def test_its_numbers_are_those_of_the_table(ran, network):
    table = pd.read_csv(ran / "runs/kept/table.csv")
    row = table[(table["chain"] == "in-domain") & (table["method"] == "full") & (table["metric"] == "auroc")].iloc[0]
    shown = next(row for row in exported.read(network).content["metrics"] if row["metric"] == "auroc")
    assert shown["mean"] == row["mean"] and shown["n_runs"] == 2


@pytest.mark.parametrize("kind", ["network", "classifier"])
def test_its_scores_are_those_of_the_run(ran, cache_dir, request, kind, tmp_path, command):
    folder = request.getfixturevalue(kind)
    model = exported.read(folder)
    status, out, err = command(ran, "predict", folder, "small.toml:wrist", "--output", tmp_path / "scores.csv")
    assert status == 0, err
    scored = pd.read_csv(tmp_path / "scores.csv").set_index("id")
    run = next((ran / "runs/work").glob(f"*-{model.content['run']['digest']}"))
    table, _, scores = predictions.read(run / "predictions.csv", model.classes)
    np.testing.assert_allclose(scored.loc[table["id"], "score_abnormal"], scores[:, 1], atol=2e-5)
    # What it has learnt from is said, image by image; what it was tested on is not.
    test = table.loc[table["split"] == "test", "id"]
    assert not scored.loc[test, "learnt_from"].any() and scored["learnt_from"].sum() > 0


def test_it_knows_the_images_of_every_step(network):
    known = seen.read(network / exported.SEEN)
    content = exported.read(network).content
    assert content["data"]["learnt_from"] == len(known.sha256) > content["data"]["target"]["images"]


def test_nothing_is_overwritten_or_left_half_written(ran, network, command, monkeypatch):
    words = ["--chain", "in-domain", "--method", "full", "--output", ran / "network"]
    status, _, err = command(ran, "models", "export", "kept.toml", *words)
    assert status == 2 and "is there already; remove it" in err

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting.card, "render", killed)
    status, _, err = command(ran, "models", "export", "kept.toml", *words[:-1], ran / "other")
    assert status == 1 and not (ran / "other").exists() and not list(ran.glob(".other*"))


def test_a_model_without_validation_images_is_not_calibrated(network, tmp_path):
    model = exported.read(network)
    model.content["temperature"] = None
    with pytest.raises(RequestError, match="cannot be calibrated: it had no validation images"):
        predicting.Predictor(model, calibrated=True)
