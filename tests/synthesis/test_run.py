"""A run of synthesis: it learns from the training images of its fold and from nothing else, and resumes after a kill.

Two runs of one seed differ by a grey value here and there, where busy cores add up in another order.
"""

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


@pytest.fixture
def unjudged(monkeypatch):
    """What is made is not compared with anything, which takes most of the time."""
    monkeypatch.setattr("synthesis.run._judged", lambda *arguments: [])


def test_no_image_outside_the_training_part_is_learnt_from(task, tmp_path, monkeypatch, unjudged):
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
    apart = np.abs(made[0].astype(int) - made[1])
    assert apart.max() <= 4 and apart.mean() < 0.3


def test_a_white_image_that_is_learnt_from_is_seen(task, tmp_path, monkeypatch, unjudged):
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
    apart = np.abs(made[0].astype(int) - made[1])
    assert apart.mean() > 3 and apart.max() > 20


def _whitened(store, planted):
    def read(wanted):
        found = store(wanted).copy()
        found[np.isin(wanted, list(planted))] = 255
        return found

    return read


def test_a_killed_run_goes_on_with_the_class_that_it_was_at(task, tmp_path, monkeypatch, unjudged):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir(), cut.mkdir()
    run(Work(task, whole, {}))

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("synthesis.run._write_sheet", killed)
        with pytest.raises(KeyboardInterrupt):
            run(Work(task, cut, {}))
    # What the classes had made is there, and is not made again.
    assert len(list(cut.glob("class*/made.npz"))) == 2
    with monkeypatch.context() as patched:
        patched.setattr("synthesis.run._learnt", killed)
        run(Work(task, cut, {}))
    assert not list(cut.glob("class*/made.npz"))
    apart = np.abs(synthetic.read(whole)[0].astype(int) - synthetic.read(cut)[0])
    assert apart.max() <= 4 and apart.mean() < 0.3
