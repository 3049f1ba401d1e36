"""What is learnt from where there are synthetic images: the same rows always, and as many steps in all but the classic one."""

from collections import Counter

import pytest

from finetune import mixtures
from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from tests.studies import small_study
from tests.synthesis.small import STUDY


@pytest.fixture
def planned(tmp_path, cache_dir):
    def plan(*settings):
        return make_plan(small_study(tmp_path, cache_dir, STUDY, *settings))

    return plan


ROWS = ["full", "full, oversampled", "full, dcgan 0.5", "full, dcgan 2", "full, dcgan only"]


def test_every_table_has_the_same_rows(planned):
    tasks = [task for task in find(planned(), "finetune", fold=0) if task.kind == ""]
    assert [str(task.tags.method) for task in tasks] == ROWS


def test_all_rows_but_the_classic_one_have_as_many_images_an_epoch(planned):
    tasks = find(planned(), "finetune", fold=0)
    assert [task.params.get("mixture", {}).get("times") for task in tasks] == [None, 3.0, 3.0, 3.0, 3.0]
    assert [("synthetic" in task.inputs) for task in tasks] == [False, False, True, True, True]
    assert [task.params["mixture"]["real"] for task in tasks[1:]] == [True, True, True, False]
    # What was planned without a generator is planned with one, unchanged.
    assert tasks[0].digest == find(planned("synthesis.generators=[]"), "finetune", fold=0)[0].digest


def test_a_row_that_is_tuned_has_its_mixtures_tuned_alike(planned):
    tasks = planned("finetune.tune={learning_rate=[1e-3,1e-4]}")
    choices = [task for task in find(tasks, "finetune", fold=0) if "candidates" in task.inputs]
    assert [str(task.tags.method) for task in choices] == [f"{row}, tuned" for row in ROWS]
    assert all(len(task.inputs["candidates"]) == 2 for task in choices)
    assert len({task.digest for task in choices}) == 5


def test_what_trains_the_head_alone_has_no_mixtures(planned):
    tasks = find(planned("finetune.strategies=['full','off-the-shelf']"), "finetune", fold=0)
    counts = Counter(task.tags.method.strategy for task in tasks if task.tags.method)
    assert counts == {"full": 5, "off-the-shelf": 1}


def test_a_smaller_label_budget_has_none(planned):
    tasks = planned("targets.wrist.fractions=[0.5,1.0]")
    few = find(tasks, "finetune", fold=0, budget="50 % of labels")
    assert [str(task.tags.method) for task in few] == ["full"]
    assert len(find(tasks, "finetune", fold=0, budget="all labels")) == 5
    assert mixtures.of(tasks, few[0].tags) == []
