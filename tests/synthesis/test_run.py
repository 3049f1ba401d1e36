"""A run of synthesis: it learns from the training images of its fold and from nothing else, and resumes after a kill."""

import numpy as np
import pandas as pd
import pytest

from indomain.artifacts import synthetic
from indomain.data.split import Split
from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find
from synthesis.run import run
from tests.studies import small_study
from tests.synthesis.small import STUDY


@pytest.fixture(scope="module")
def task(tmp_path_factory, cache_dir):
    study = small_study(tmp_path_factory.mktemp("synthesis"), cache_dir, STUDY)
    return find(make_plan(study), "synthesis", fold=0)[0]


def test_it_leaves_images_a_judgement_and_a_sheet(task, tmp_path):
    facts = run(Work(task, tmp_path, {}))
    images, y = synthetic.read(tmp_path)
    train = Split.open(task.paths).labelled(task.params).query("split == 'train'")
    counts = train["y"].value_counts()
    assert images.shape[1:] == (16, 16, 1) and images.dtype == np.uint8
    assert {number: int((y == number).sum()) for number in (0, 1)} == {n: max(2 * counts[n], 50) for n in (0, 1)}
    judged = pd.read_csv(tmp_path / "judged.csv")
    assert judged["class"].tolist() == ["normal", "abnormal"] and judged["made"].sum() == facts["made"] == len(images)
    assert set(pd.read_csv(tmp_path / "nearest.csv")["nearest"]) <= set(train["id"])
    assert (tmp_path / "sheet.png").is_file() and facts["images"] == len(train) and facts["steps"] == 80
    # So few steps make no picture: this is said.
    assert any("mode collapse" in words for words in facts["beware"])


def test_no_image_outside_the_training_part_is_learnt_from(task, tmp_path, monkeypatch):
    """Every validation and test image is replaced by a white one: what is made stays the same."""
    made = []
    rows = Split.open(task.paths).labelled(task.params)
    unseen = set(rows.loc[rows["split"] != "train", "row"])
    for planted in (False, True):
        with monkeypatch.context() as patched:
            plain = Split.images
            white = unseen if planted else set()
            patched.setattr(
                Split,
                "images",
                lambda split, channels, plain=plain, white=white: _whitened(plain(split, channels), white),
            )
            folder = tmp_path / str(planted)
            folder.mkdir()
            run(Work(task, folder, {}))
        made.append(synthetic.read(folder)[0])
    assert np.array_equal(*made)


def test_a_white_image_that_is_learnt_from_is_seen(task, tmp_path, monkeypatch):
    rows = Split.open(task.paths).labelled(task.params)
    learnt = set(rows.loc[rows["split"] == "train", "row"].iloc[::4])
    made = []
    for planted in (set(), learnt):
        with monkeypatch.context() as patched:
            plain = Split.images
            patched.setattr(
                Split,
                "images",
                lambda split, channels, plain=plain, planted=planted: _whitened(plain(split, channels), planted),
            )
            folder = tmp_path / str(len(planted))
            folder.mkdir()
            run(Work(task, folder, {}))
        made.append(synthetic.read(folder)[0])
    assert not np.array_equal(*made)


def _whitened(store, planted):
    def read(wanted):
        found = store(wanted).copy()
        found[np.isin(wanted, list(planted))] = 255
        return found

    return read


def test_a_killed_run_goes_on_with_the_class_that_it_was_at(task, tmp_path, monkeypatch):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    run(Work(task, whole, {}))

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("synthesis.run._judged", killed)
        with pytest.raises(KeyboardInterrupt):
            run(Work(task, cut, {}))
    run(Work(task, cut, {}))
    assert np.array_equal(synthetic.read(whole)[0], synthetic.read(cut)[0])
