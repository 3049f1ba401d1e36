"""Translators in a run: between two classes, and from the sources' look to the target's without a label of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from finetune.adapting import KIND
from finetune.run import run as finetune
from indomain.artifacts import predictions, synthetic
from indomain.data import domains
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.recipe.study import Study
from indomain.runs.task import Task, Work, find
from synthesis import judgement, translation
from synthesis.options import CycleOptions
from synthesis.run import run
from tests.fusion.conftest import ADAPTING
from tests.studies import small_study
from tests.synthesis.small import STUDY

SMALL = "\n[synthesis.cyclegan]\nsteps = 20\nbatch = 4\nwidth = 4\nblocks = 1\n"
CLASSES = STUDY.replace('generators = ["dcgan"]', 'generators = ["cyclegan"]').split("[synthesis.dcgan]")[0] + SMALL
LOOKS = ADAPTING[: ADAPTING.index("[fusion.adaptation]")] + '[synthesis]\nadapt = ["cyclegan"]\n' + SMALL


@pytest.fixture
def planned(tmp_path, cache_dir):
    def plan(*settings, text=LOOKS):
        return make_plan(small_study(tmp_path, cache_dir, text, *settings))

    return plan


def test_one_class_is_translated_to_the_other_and_judged(planned, tmp_path):
    task = find(planned(text=CLASSES), "synthesis", fold=0)[0]
    facts = run(Work(task, tmp_path, {}))
    images, y = synthetic.read(tmp_path)
    train = Split.open(task.paths).labelled(task.params).query("split == 'train'")["y"].value_counts()
    assert images.shape[1:] == (16, 16, 1) and facts["made"] == len(images)
    assert {number: int((y == number).sum()) for number in (0, 1)} == {n: max(2 * train[n], 50) for n in (0, 1)}
    judged = pd.read_csv(tmp_path / "judged.csv").set_index("class")
    assert list(judged.columns) == [*judgement.COLUMNS[1:], *judgement.OF_TRANSLATION]
    assert judged["told_as_class"].between(0, 1).all() and (judged["change"] > 0).all()
    assert (tmp_path / "sheet.png").is_file() and not list(tmp_path.glob("*/made.npz"))


def test_pairs_are_drawn_so_that_every_image_of_the_larger_kind_is_seen(monkeypatch):
    seen = []
    monkeypatch.setattr(translation, "cycle", lambda options, shape: None)
    monkeypatch.setattr(translation, "initialise", lambda model, seed: None)
    monkeypatch.setattr(
        translation.learning, "trained", lambda model, pairs, rows, *others: seen.append(pairs(rows)) or {}
    )
    images = np.arange(300, dtype=np.uint8)[:, None, None, None].repeat(2, 1)
    one, two = (lambda rows: images[rows], np.arange(5)), (lambda rows: images[rows], np.arange(20, 200))
    work = Work(Task("synthesis", 1, {"seed": 0, "shape": [2, 1, 1]}), None, {})
    translation.learnt(one, two, CycleOptions(steps=500, batch=1), work, None)
    (pairs,) = seen
    assert pairs.shape == (180, 4, 1, 1)
    assert set(pairs[:, 0].ravel()) == set(range(5)) and set(pairs[:, 2].ravel()) == set(range(20, 200))


def test_what_was_hardly_changed_or_is_not_of_its_class_is_said():
    rng = np.random.default_rng(0)
    kinds = [rng.normal(size=(40, 6)) + 4 * number for number in (0, 1)]
    none = np.zeros((0, 6))
    # What should be of the second class is of the first still.
    seen = {number: judgement.Seen(kinds[number], none, kinds[0] + 0.01, kinds[number]) for number in (0, 1)}
    line = judgement.translated({"beware": "mode collapse"}, 1, seen, 0.5)
    assert line["beware"] == (
        "mode collapse; hardly changed images of the other class; told as of the other class more often than not"
    )
    assert line["told_as_class"] == 0 and line["told_as_class_real"] == 1
    assert judgement.translated({"beware": ""}, 0, seen, 9.0)["beware"] == ""


def test_more_than_two_classes_are_not_translated(planned, monkeypatch):
    two = Study.target

    def three(study, name, profile):
        split = two(study, name, profile)
        return replace(split, info=replace(split.info, classes=["a", "b", "c"]))

    monkeypatch.setattr(Study, "target", three)
    with pytest.raises(
        RequestError, match=r"translates between two classes, and target 'wrist' has 3: a, b, c. Merge them"
    ):
        planned(text=CLASSES)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["targets.wrist.adapt_from=[]"], r"\[synthesis\] adapt translates the images of sources, and no target has any"),
        (["synthesis.adapt=['dcgan']"], r"unknown translator 'dcgan'"),
        (["size=24"], r"square images whose side is a power of two"),
    ],
)  # fmt: skip
def test_what_cannot_be_translated_is_refused_with_the_way_out(planned, settings, words):
    with pytest.raises((RequestError, ValueError), match=words):
        planned(*settings)


def test_networks_learn_from_translated_images_beside_the_same_controls(planned):
    tasks = planned()
    rows = find(tasks, "finetune", KIND, fold=0, seed=0)
    assert [task.tags.method.adaptation for task in rows] == ["source-only", "target-trained", "cyclegan"]
    assert [("translated" in task.inputs) for task in rows] == [False, False, True]
    assert rows[2].input("translated").tags.seed == 0 and len(find(tasks, "synthesis", "translate")) == 2 * 2
    shared = find(planned("synthesis.seeds=one"), "finetune", KIND, fold=0, seed=1)
    assert shared[2].input("translated").tags.seed == 0


def test_sources_are_translated_without_a_label_of_the_target(planned, tmp_path, monkeypatch):
    tasks = planned()
    task = find(tasks, "synthesis", "translate", fold=0, seed=0)[0]
    whole = Split.table

    def without_labels(split, fold=0):
        table = whole(split, fold)
        return table if split.info.name == "elbow" else table.drop(columns="y")

    with monkeypatch.context() as patched:
        patched.setattr(Split, "table", without_labels)
        facts = run(Work(task, tmp_path, {}))
    made, y = synthetic.read(tmp_path)
    assert facts["kid_before"] > 0 and {"kid_after", "kid_real", "change", "images_without_label"} <= facts.keys()
    table = domains.sources(task.paths, task.params)[0][1]
    np.testing.assert_array_equal(y, table["y"])
    assert len(made) == len(table) and (tmp_path / "sheet.png").is_file()
    # The network that learns from them.
    row = find(tasks, "finetune", KIND, fold=0, seed=0)[2]
    (tmp_path / "network").mkdir()
    facts = finetune(Work(row, tmp_path / "network", {"translated": tmp_path}))
    learnt = int((table["split"] == "train").sum())
    unseen = domains.unlabelled(Split.open(row.paths), 0)
    assert facts["images"] == max(learnt, len(unseen)) and facts["images_without_label"] == len(unseen)
    assert set(predictions.read(tmp_path / "network" / "predictions.csv", row.params["classes"])[0]["split"]) == {
        "test"
    }
