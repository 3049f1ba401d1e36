"""The plan of adaptation of networks: which rows there are, what they share, and what is refused."""

from collections import Counter

import pytest

from finetune.adapting import KIND, VERSION
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from tests.fusion.conftest import ADAPTING
from tests.studies import small_study

NETWORKS = (
    ADAPTING[: ADAPTING.index("[fusion.adaptation]")] + '[finetune.adaptation]\nmethods = ["coral", "mmd", "dann"]\n'
)


@pytest.fixture
def planned(tmp_path, cache_dir):
    def plan(*settings, text=NETWORKS):
        return make_plan(small_study(tmp_path, cache_dir, text, *settings))

    return plan


def test_every_method_stands_beside_its_two_controls(planned):
    rows = find(planned(), "finetune", KIND, fold=0, seed=0)
    assert Counter(str(task.tags.method) for task in rows) == dict.fromkeys(
        ["full, source-only", "full, target-trained", "full, coral", "full, mmd", "full, dann"], 1
    )
    assert {task.params["adapting"] for task in rows} == {VERSION}


def test_only_what_a_row_uses_may_change_it(planned):
    before = {task.tags.method.adaptation: task.digest for task in find(planned(), "finetune", KIND, fold=0, seed=0)}
    changed = planned("finetune.adaptation.weight=0.5", "finetune.adaptation.hidden=8")
    after = {task.tags.method.adaptation: task.digest for task in find(changed, "finetune", KIND, fold=0, seed=0)}
    assert {name for name in before if before[name] == after[name]} == {"source-only", "target-trained"}
    # Other runs are those of a recipe without adaptation.
    plain = planned("finetune.adaptation.methods=[]", "targets.wrist.adapt_from=[]")
    assert {task.digest for task in find(plain, "finetune", fold=0)} == {
        task.digest for task in find(changed, "finetune", fold=0)
    }


def test_no_other_stage_takes_an_adapted_network_for_the_targets_own(planned):
    tasks = planned("fusion.classifiers=['logistic-regression']", "explain.images=1")
    adapted = {task.digest for task in find(tasks, "finetune", KIND)}
    readers = [task for task in tasks if any(one.digest in adapted for one in task.needed())]
    assert {task.stage for task in readers} == {"report"}


def test_a_rate_that_is_tuned_is_not_tuned_without_labels(planned):
    rows = find(planned("finetune.tune={learning_rate=[1e-3,1e-4]}"), "finetune", KIND, fold=0, seed=0)
    assert not any(task.tags.method.tuned or "candidates" in task.inputs for task in rows)
    assert {task.params["options"]["learning_rate"] for task in rows} == {1e-3}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["targets.wrist.adapt_from=[]"], r"\[finetune.adaptation\] names methods, and no target has sources"),
        (["finetune.adaptation.methods=[]"], r"neither \[fusion.adaptation\] nor \[finetune.adaptation\] has methods"),
        (["finetune.adaptation.methods=['coralle']"], r"Did you mean 'coral'"),
        (["finetune.frozen=1.0"], r"changes the layers below the head, and frozen = 1 keeps them all"),
        (["sources.elbow.classes={healthy=['normal'],ill=['abnormal']}"], r"source 'elbow' has the classes healthy, ill.*same names"),
    ],
)  # fmt: skip
def test_what_cannot_be_adapted_is_refused_with_the_way_out(planned, settings, words):
    with pytest.raises((RequestError, ValueError), match=words):
        planned(*settings)
