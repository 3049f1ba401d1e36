"""The plan of synthesis: a generator for each fold and seed, and what is refused."""

import pytest

from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from synthesis import plan as stage
from tests.studies import small_study
from tests.synthesis.small import STUDY


@pytest.fixture
def planned(tmp_path, cache_dir):
    def plan(*settings, text=STUDY):
        return make_plan(small_study(tmp_path, cache_dir, text, *settings))

    return plan


def test_each_fold_and_seed_has_a_generator_of_its_own(planned):
    tasks = find(planned("seeds=[0,1]"), "synthesis")
    assert [(task.tags.fold, task.tags.seed) for task in tasks] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len({task.params["seed"] for task in tasks}) == 4 and {task.version for task in tasks} == {stage.VERSION}
    assert "epochs" not in tasks[0].params["options"] and tasks[0].params["shape"] == [16, 16, 1]


def test_all_seeds_can_share_one(planned):
    tasks = planned("seeds=[0,1]", "synthesis.seeds=one")
    assert [(task.tags.fold, task.tags.seed) for task in find(tasks, "synthesis")] == [(0, 0), (1, 0)]
    read = {task.input("synthetic").digest for task in find(tasks, "finetune", fold=0) if "synthetic" in task.inputs}
    assert len(read) == 1


def test_without_generators_nothing_is_planned(planned):
    assert find(planned("synthesis.generators=[]"), "synthesis") == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["size=24"], r"a side is a power of two|square images whose side is a power of two, from 16; size is 24"),
        (["targets.wrist.shots=[2]"], r"class 'normal' of target 'wrist' has 2 training images in fold 0; a generator needs 8"),
        (["synthesis.dcgan.augment=colour"], r"synthesis.dcgan: augment = \"colour\" changes hues"),
        (["targets.wrist.shots=[8]", "synthesis.seeds=one"], r"one generator would bring those of the first to all"),
        (["targets.wrist.confounder={share=0.9}"], r"\[synthesis\] and targets.wrist.confounder exclude each other"),
    ],
)  # fmt: skip
def test_what_no_generator_can_learn_from_is_refused(planned, settings, words):
    with pytest.raises(RequestError, match=words):
        planned(*settings)
