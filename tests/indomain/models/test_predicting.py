"""Scores of new images: every file has its row, patients have means, and what the model does not know is said."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain.artifacts import exported
from indomain.models import predicting


@pytest.fixture(scope="module")
def predicted(ran, network, images, command):
    status, out, err = command(
        ran, "predict", network, images, "--pattern", "{patient}__*.png", "--output", ran / "new.csv"
    )
    assert status == 0, err
    return pd.read_csv(ran / "new.csv", keep_default_na=False), out


def test_every_file_has_a_row_and_what_cannot_be_read_a_reason(predicted, images):
    table, out = predicted
    assert len(table) == len(list(images.iterdir()))
    torn = table[table["file"].str.contains("torn")].iloc[0]
    assert torn["predicted"] == "" and torn["reason"] and "1 files could not be read" in out
    read = table[table["reason"] == ""]
    scores = read[["score_normal", "score_abnormal"]].astype(float)
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert (read["predicted"] == np.where(scores["score_abnormal"] > 0.5, "abnormal", "normal")).all()


def test_noise_is_unlike_what_the_model_knows_and_the_recipes_images_are_not(predicted):
    table, out = predicted
    read = table[table["reason"] == ""].set_index("file")
    is_noise = read.index.str.contains("noise")
    unlike = read["unlike"].astype(int)
    # One in a hundred would be so of many; the threshold is of nineteen images here.
    assert unlike[is_noise].all() and unlike[~is_noise].mean() < 0.2
    assert "unlike those that the model has learnt from" in out


def test_a_patient_has_the_mean_of_the_images(predicted, ran):
    table, out = predicted
    patients = pd.read_csv(ran / "new-patients.csv").set_index("patient")
    read = table[table["reason"] == ""]
    assert set(patients.index) == set(read["patient"]) and "the mean scores of" in out
    name = read["patient"].iloc[0]
    own = read.loc[read["patient"] == name, "score_abnormal"].astype(float)
    assert patients.loc[name, "score_abnormal"] == pytest.approx(own.mean(), abs=1e-5) and patients.loc[
        name, "images"
    ] == len(own)


def test_calibrated_scores_keep_their_order(ran, network, images, command):
    for name, more in (("raw", []), ("calibrated", ["--calibrated"])):
        assert command(ran, "predict", network, images, "--output", ran / f"{name}.csv", *more)[0] == 0
    raw, calibrated = (
        pd.read_csv(ran / f"{name}.csv").dropna(subset="score_abnormal") for name in ("raw", "calibrated")
    )
    one, two = (np.log(part["score_abnormal"] / part["score_normal"]) for part in (raw, calibrated))
    temperature = exported.read(network).content["temperature"]
    np.testing.assert_allclose(one, two * temperature, rtol=2e-2, atol=1e-3)


def test_colour_images_for_a_model_of_grey_ones_are_said(ran, network, command):
    folder = ran / "coloured"
    folder.mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    status, out, _ = command(ran, "predict", network, folder, "--output", ran / "coloured.csv")
    assert status == 0 and "were converted to grey" in out


def test_a_run_that_is_finished_is_a_model(ran, network, images, command):
    words = ["--chain", "in-domain", "--method", "full"]
    assert command(ran, "predict", "kept.toml", images, *words, "--output", ran / "of-run.csv")[0] == 0
    assert command(ran, "predict", network, images, "--output", ran / "of-model.csv")[0] == 0
    pd.testing.assert_frame_equal(pd.read_csv(ran / "of-run.csv"), pd.read_csv(ran / "of-model.csv"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "new"], r"unknown model 'nowhere'"),
        (["network", "nothing-there"], r"unknown data set 'nothing-there'"),
        (["network", "new", "--output", "scores.xlsx"], r"should end in .csv"),
        (["network", "small.toml", "--pattern", "{patient}_*"], r"--pattern is for folders"),
        (["network", "new", "--pattern", "{label}/*"], r"none of the \d+ images .* fits the pattern"),
        (["network", "empty"], r"no image was found there"),
    ],
)
def test_what_cannot_be_predicted_is_refused_with_the_way_out(ran, network, images, command, words, message):
    (ran / "empty").mkdir(exist_ok=True)
    status, _, err = command(ran, "predict", *words)
    assert status == 2
    import re

    assert re.search(message, err), err


def test_memory_does_not_grow_with_the_number_of_images(network, tmp_path):
    # Batches are decoded, scored and written one after another.
    model = exported.read(network)
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "a.png")
    manifest, records = predicting.images_of(str(tmp_path), "", model, tmp_path)
    sizes = [len(part) for part in predicting._parts(manifest, records * 600, model, quiet=True)]
    assert sizes == [256, 256, 88]
