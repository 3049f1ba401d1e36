"""Networks tested on another set as they are: rows of their own, nothing learnt from it, and no image or patient of both."""

import numpy as np
import pytest

from finetune.external import KIND
from finetune.run import run
from indomain.artifacts import predictions
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find
from tests.studies import SMALL_STUDY, leave_network, small_study

EXTERNAL = SMALL_STUDY.replace("[sources.others]", 'external = ["small.toml:elbow"]\n[sources.others]')
FOLDS = "targets.wrist.split={scheme='kfold',folds=2,validation=0.25}"


@pytest.fixture
def planned(tmp_path, cache_dir):
    def plan(*settings, text=EXTERNAL):
        study = small_study(tmp_path, cache_dir, text, *settings)
        return study, make_plan(study)

    return plan


def test_every_network_is_tested_once_on_the_other_set(planned):
    _, tasks = planned(FOLDS, "seeds=[0,1]")
    own = [task for task in find(tasks, "finetune") if task.tags.target == "wrist"]
    elsewhere = find(tasks, "finetune", KIND)
    assert {task.tags.target for task in elsewhere} == {"wrist → small.toml:elbow"}
    assert {task.input("network").digest for task in elsewhere} == {task.digest for task in own}
    of_row = [task for task in elsewhere if (task.tags.chain, task.tags.backbone) == ("random", "dcnn-light-w0.125")]
    assert sorted((task.tags.fold, task.tags.seed) for task in of_row) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_nothing_else_changes_by_it(planned):
    plain = [task.digest for task in find(planned(text=SMALL_STUDY)[1], "finetune")]
    assert [task.digest for task in find(planned()[1], "finetune")] == plain


def test_predictions_are_those_of_the_network_on_all_images_of_the_set(planned, tmp_path):
    study, tasks = planned()
    task = find(tasks, "finetune", KIND, chain="random")[0]
    folder = leave_network(study, task.input("network"), 3)
    (tmp_path / "out").mkdir()
    facts = run(Work(task, tmp_path / "out", {"network": folder}))
    table, _, scores = predictions.read(tmp_path / "out/predictions.csv", task.params["classes"])
    split = study.external("wrist", "small.toml:elbow", "strict")
    assert facts["images"] == len(table) == len(split.rows()) and set(table["split"]) == {"test"}
    assert scores.shape[1] == 2 and np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert split.info.folds == 1 and split.info.has_validation is False


SHARED = """
name = "shared"
title = "The same wrists under another name"
synthetic = true
patients_of = "small"
subset_by = "body_part"
[read]
reader = "phantom"
patients = 16
[images]
channels = "grey"
[labels]
classes = { normal = ["normal"], abnormal = ["abnormal"] }
positive = "abnormal"
"""


def test_a_set_that_shares_patients_is_refused_or_loses_them(planned, tmp_path, cache_dir):
    (tmp_path / "shared.toml").write_text(SHARED)
    text = EXTERNAL.replace('small.toml:elbow"]', 'shared.toml:wrist"]')
    with pytest.raises(RequestError, match=r"images or patients are in both sets.*drop_leaks = true to leave them out"):
        planned(text=text)
    with pytest.raises(RequestError, match=r"no image of class normal, abnormal is left to test on"):
        planned("drop_leaks=true", text=text)


def test_a_set_with_other_classes_is_refused(planned, tmp_path):
    (tmp_path / "other.toml").write_text(
        SHARED.replace('name = "shared"', 'name = "other"').replace("normal = [", "fine = [", 1)
    )
    with pytest.raises(RequestError, match=r"the set has the classes fine, abnormal, and the target normal, abnormal"):
        planned(text=EXTERNAL.replace('small.toml:elbow"]', 'other.toml:elbow"]'))
