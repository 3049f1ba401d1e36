"""The tasks of a recipe: what is done anew when a key changes, and what is done once for all who need it."""

import pytest

from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import Task, find, unique

KFOLD = [('scheme = "official"', 'scheme = "kfold", folds = 3'), ("[sources", "fractions = [0.5, 1.0]\n[sources")]
FROZEN = [('strategies = ["full", "off-the-shelf"]', 'strategies = ["off-the-shelf"]')]


@pytest.fixture
def tasks_of(study_of):
    """The tasks of the small recipe with some of its text replaced."""
    return lambda *replacements: make_plan(study_of(*replacements))


def digests(tasks: list[Task], *stages: str) -> set[str]:
    """Of a stage's tasks, or of all but the report and the panels: they hold the title and the order of the chains."""
    asked = stages or ("pretrain", "finetune", "fusion", "explain")
    return {task.digest for task in tasks if task.stage in asked and task.kind != "panel"}


def test_tasks_stand_in_an_order_in_which_they_can_run(tasks_of):
    tasks = unique(tasks_of())
    places = {task.digest: number for number, task in enumerate(tasks)}
    assert all(places[needed.digest] < places[task.digest] for task in tasks for needed in task.needed())
    assert tasks[-1].stage == "report"


@pytest.mark.parametrize(
    "change",
    [
        ('title = "Tiny"', 'title = "Another"\nnotes = "more"'),
        ("[report]\n", "[report]\nmargin = 0.05\n"),
        (
            'imagenet = ["imagenet"]\nin-domain = ["imagenet", "others:supervised"]',
            'in-domain = ["imagenet", "others:supervised"]\nimagenet = ["imagenet"]',
        ),
    ],
    ids=["title and notes", "margin of the report", "order of the chains"],
)
def test_words_and_their_order_redo_nothing_but_the_report(tasks_of, change):
    assert digests(tasks_of(change)) == digests(tasks_of())
    assert digests(tasks_of(change), "report") != digests(tasks_of(), "report")


def test_another_chain_leaves_the_runs_of_the_others_alone(tasks_of):
    assert digests(tasks_of()) < digests(tasks_of(("[chains]\n", '[chains]\nrandom = ["random"]\n')))


def test_a_learning_rate_redoes_nothing_of_what_has_none(tasks_of):
    before, after = tasks_of(), tasks_of(("[finetune]\n", "[finetune]\nlearning_rate = 1e-4\n"))
    assert digests(before, "pretrain") == digests(after, "pretrain")
    kept = digests(before, "finetune") & digests(after, "finetune")
    of_kept = [task for task in before if task.digest in kept]
    assert {(task.kind, str(task.tags.method)) for task in of_kept} == {("", "off-the-shelf"), ("features", "None")}


@pytest.mark.parametrize("compute", ['precision = "bfloat16"', "deterministic = true"])
def test_how_networks_are_computed_redoes_them_all(tasks_of, compute):
    networks = {task.digest for task in tasks_of() if "compute" in task.params}
    assert networks and not networks & digests(tasks_of(("[fusion]", f"[compute]\n{compute}\n[fusion]")))


def test_another_backend_redoes_all_that_it_computed(tasks_of, monkeypatch):
    before = digests(tasks_of(), "pretrain", "finetune")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert not digests(tasks_of(), "pretrain", "finetune") & before


def test_seeds_share_a_pretraining_unless_each_has_its_own(tasks_of):
    assert len(unique(find(tasks_of(), "pretrain"))) == 1
    each = tasks_of(('seeds = "one"', 'seeds = "each"'))
    assert len(unique(find(each, "pretrain"))) == 2


def test_a_step_that_two_chains_share_is_learnt_once(tasks_of):
    longer = ("[pretrain]", 'more = ["imagenet", "others:supervised", "others:simclr"]\n[pretrain]')
    assert [task.tags.objective for task in unique(find(tasks_of(longer), "pretrain"))] == ["supervised", "simclr"]


def test_a_frozen_backbone_runs_over_a_set_once(tasks_of):
    tasks = unique(tasks_of(*KFOLD, *FROZEN, ("[fusion]\n", '[fusion]\nstrategy = "off-the-shelf"\n')))
    features = [task for task in tasks if task.kind == "features"]
    # One for each chain, whatever the fold, the budget and the seed.
    assert [(task.stage, task.tags.chain) for task in features] == [("finetune", "imagenet"), ("finetune", "in-domain")]
    # Two chains and three folds; half of the labels are drawn by each of two seeds, all of them by none.
    assert len(find(tasks, "fusion", "classify")) == 2 * 3 * (2 + 1)


def test_features_of_another_layer_of_a_frozen_backbone_are_extracted_once_too(tasks_of):
    layer = ("[fusion]\n", '[fusion]\nstrategy = "off-the-shelf"\nlayers = { squeezenet = "fire8_concat" }\n')
    assert len(find(unique(tasks_of(*KFOLD, *FROZEN, layer)), "fusion", "features")) == 2


def test_runs_alike_have_the_same_word_for_how_long_they_take(tasks_of):
    tasks = [task for task in unique(tasks_of(*KFOLD)) if task.stage == "finetune" and not task.kind]
    alike = {(task.like, str(task.tags.method), task.tags.budget) for task in tasks}
    assert len({like for like, _, _ in alike}) == len(alike) == 4  # two strategies, two budgets


def test_a_target_without_any_arm_that_can_run_is_refused(tasks_of):
    with pytest.raises(RequestError, match="no ImageNet weights exist for dcnn-light"):
        tasks_of(('["squeezenet"]', '["dcnn-light"]'))
