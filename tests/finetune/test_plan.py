import json

import numpy as np
import pytest

from finetune.plan import Options, plan
from finetune.strategies import STRATEGIES, Strategy
from indomain.errors import RequestError
from indomain.runs.task import find, unique
from pretrain.plan import plan as pretrain_plan
from tests.small import study_of

CHAINS = 'chains={random=["random"], in-domain=["random", "elbow:rotation"]}'
BOTH = 'finetune.strategies=["full", "off-the-shelf"]'
FROZEN = "finetune.frozen=1"
ONE = 'pretrain.seeds="one"'


@pytest.fixture(scope="module")
def made(tmp_path_factory, cache_dir):
    """The plan of the small recipe with other keys; its splits are drawn once."""
    folder = tmp_path_factory.mktemp("study")

    def tasks(*settings):
        study = study_of(folder, cache_dir, *settings)
        return plan(study, pretrain_plan(study, []))

    return tasks


def digests(tasks):
    return [task.digest for task in tasks]


def test_one_network_for_each_fold_and_seed(made):
    tasks = made()
    assert sorted((task.tags.fold, task.tags.seed) for task in tasks) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(set(digests(tasks))) == len({task.params["seed"] for task in tasks}) == 4, (
        "folds are trainings of their own"
    )


def test_one_network_for_each_label_budget(made):
    tasks = made("targets.wrist.fractions=[0.5, 1.0]", "targets.wrist.shots=[4]", "seeds=[0]")
    budgets = [task.params["budget"] for task in find(tasks, "finetune", fold=0)]
    assert budgets == [{"fraction": 0.5, "draw": 0}, {"fraction": 1.0}, {"shots": 4, "draw": 0}]
    assert [task.tags.budget for task in find(tasks, "finetune", fold=0)] == ["50 % of labels", "all labels", "4 shots"]


def test_under_strict_each_seed_draws_its_own_labels_and_the_papers_draw_once(made):
    tasks = made('profiles=["strict", "paper"]', "targets.wrist.shots=[4]", "seeds=[0, 5]")
    drawn = {(task.tags.profile, task.tags.seed, task.params["budget"].get("draw")) for task in tasks}
    assert drawn == {("strict", 0, 0), ("strict", 5, 5), ("paper", 0, None)}


def test_off_the_shelf_is_fitted_to_every_seeds_labels(made):
    tasks = made(
        'finetune.strategies=["off-the-shelf"]',
        'chains={a=["imagenet"]}',
        'backbones=["squeezenet"]',
        "targets.wrist.shots=[4]",
    )
    assert {task.tags.seed for task in find(tasks, "finetune", chain="a")} == {0, 1}


def test_a_network_begins_with_what_its_chains_last_step_left(made):
    tasks = made(CHAINS)
    for task in find(tasks, "finetune", chain="in-domain"):
        assert task.params["start"] == "previous step" and task.input("pretrained").params["objective"] == "rotation"
    for task in find(tasks, "finetune", chain="random"):
        assert task.params["start"] == "random" and not task.inputs


def test_with_a_pretraining_for_each_seed_a_network_begins_with_its_own(made):
    tasks = find(made(CHAINS), "finetune", chain="in-domain")
    assert all(task.input("pretrained").params["seed"] == task.tags.seed for task in tasks)
    assert {task.input("pretrained").params["seed"] for task in tasks} == {0, 1}


def test_an_option_that_a_strategy_does_not_use_changes_none_of_its_runs(made):
    before = made(BOTH)
    for setting, unchanged in (("finetune.C=0.1", "full"), ("finetune.head_lr_factor=3", "off-the-shelf")):
        after = made(BOTH, setting)
        for name in ("full", "off-the-shelf"):
            pairs = [[task.digest for task in tasks if str(task.tags.method) == name] for tasks in (before, after)]
            assert (pairs[0] == pairs[1]) == (name == unchanged)


def test_a_frozen_backbone_runs_over_the_images_once_for_all_folds_and_budgets(made):
    tasks = made(FROZEN, "targets.wrist.fractions=[0.5, 1.0]", "seeds=[0]")
    networks = find(tasks, "finetune")
    assert len(networks) == 4
    assert len({task.input("features").digest for task in networks}) == 1
    assert [task.kind for task in unique(tasks)].count("features") == 1


def test_features_of_weights_by_chance_are_each_seeds_own(made):
    networks = find(made(FROZEN), "finetune")
    assert {(task.tags.seed, task.input("features").params["seed"]) for task in networks} == {(0, 0), (1, 1)}
    assert len({task.input("features").digest for task in networks}) == 2


def test_features_of_one_pretraining_are_shared_by_all_seeds(made):
    networks = find(made(CHAINS, FROZEN, ONE), "finetune", chain="in-domain")
    assert len(networks) == 4 and len({task.input("features").digest for task in networks}) == 1


@pytest.mark.parametrize("setting", ["finetune.frozen=0.9", 'finetune.augment="basic"'])
def test_a_backbone_that_sees_each_image_anew_has_no_stored_features(made, setting):
    assert not find(made(FROZEN, setting), "finetune", kind="features")


def test_off_the_shelf_is_fitted_once_where_no_seed_changes_it(made):
    tasks = made(CHAINS, ONE, 'finetune.strategies=["off-the-shelf"]')
    assert {task.tags.seed for task in find(tasks, "finetune", chain="in-domain")} == {0}
    assert {task.tags.seed for task in find(tasks, "finetune", chain="random")} == {0, 1}


def test_given_features_go_off_the_shelf_whatever_the_others_do(made, tmp_path):
    card = {"model": "m", "revision": "1", "licence": "MIT", "input": "-", "trained_on": "unknown"}
    np.savez(
        tmp_path / "f.npz", features=np.ones((1, 2)), ids=np.array(["a"]), set=np.array(["s"]), card=json.dumps(card)
    )
    tune = "finetune.tune={ learning_rate=[0.1, 0.01] }"
    chains = f"chains={{ random=['random'], given=['features:{tmp_path / 'f.npz'}'] }}"
    tasks = made(chains, tune, "finetune.strategies=['full']")
    given = find(tasks, "finetune", chain="given")
    # Nothing depends on the seed: one for each fold.
    assert {(task.tags.seed, str(task.tags.method), task.tags.backbone) for task in given} == {
        (0, "off-the-shelf", "f")
    }
    assert all("backbone" not in task.params and task.input("features").kind == "features" for task in given)
    assert len({task.input("features").digest for task in given}) == 1


def test_the_papers_profile_has_keys_of_its_own(made):
    tasks = made('profiles=["strict", "paper"]', "finetune.epochs=5", "finetune.paper.epochs=7")
    epochs = {(task.tags.profile, task.params["options"]["epochs"]) for task in tasks}
    assert epochs == {("strict", 5), ("paper", 7)}


def test_a_marker_is_part_of_the_task(made):
    tasks = made("targets.wrist.confounder={share=0.8, seed=3}")
    assert all(task.params["confounder"] == {"share": 0.8, "seed": 3} for task in tasks)
    assert set(digests(tasks)).isdisjoint(digests(made()))


def test_a_marker_goes_with_networks_that_see_it(made):
    with pytest.raises(RequestError, match="targets.wrist.confounder: a marker needs a target with two classes"):
        made("targets.wrist.confounder={}", FROZEN)


def test_strategies_that_see_no_marker_are_left_out_where_there_is_one(made):
    tasks = made("targets.wrist.confounder={}", BOTH)
    assert {task.params["strategy"] for task in tasks} == {"full"}
    tuned = made("targets.wrist.confounder={}", 'finetune.tune={ strategy=["full", "off-the-shelf"] }')
    assert {task.params["strategy"] for task in find(tuned, "finetune", "candidate")} == {"full"}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        (
            'finetune.strategies=["half"]',
            "strategies: unknown strategy 'half'.*Known: co-tuning, deeply-supervised, full, lp-ft, off-the-shelf",
        ),
        ("finetune.strategies=[]", "'strategies'.*at least 1 item"),
        ("finetune.frozen=1.5", "'frozen'.*less than or equal to 1"),
        ("finetune.C=0", "'C'.*greater than 0"),
        ("finetune.head_raet=3", "'head_raet'. Did you mean 'head_lr_factor'"),
        ('finetune.augment="colour"', 'finetune: augment = "colour"'),
        ("finetune.paper.epochs=0", r"\[finetune.paper\]: key 'epochs'"),
    ],
)
def test_a_wrong_key_or_value_is_refused_before_any_task(made, setting, message):
    with pytest.raises(RequestError, match=message):
        made(setting)


def test_a_strategy_registered_from_outside_is_planned_with_the_options_that_it_uses(made, monkeypatch):
    own = Strategy("elsewhere.mine:fit", options=frozenset({"epochs"}), head_only=True)
    monkeypatch.setitem(STRATEGIES, "mine", own)
    (first, *_) = find(made('finetune.strategies=["mine"]'), "finetune")
    assert (
        first.params["strategy"] == "mine" and first.params["options"] == {"epochs": 10} and "features" in first.inputs
    )


def test_options_of_a_task_are_read_back():
    options = Options(strategies=["off-the-shelf"], C=0.25)
    assert Options.model_validate(options.used_by("off-the-shelf")).C == 0.25


def test_a_backbone_may_be_fitted_by_some_of_the_strategies_only(tmp_path, cache_dir):
    both = 'finetune.strategies=["full","off-the-shelf"]'
    named = 'backbones=[{name="dcnn-light",width=0.125,strategies=["full"]},{name="dcnn-light",width=0.25}]'
    tasks = find(plan(study_of(tmp_path, cache_dir, "seeds=[0]", both, named), []), "finetune", fold=0)
    fitted = {(task.tags.backbone, str(task.tags.method)) for task in tasks if task.kind != "features"}
    assert fitted == {
        ("dcnn-light-w0.125", "full"),
        ("dcnn-light-w0.25", "full"),
        ("dcnn-light-w0.25", "off-the-shelf"),
    }
    for setting, message in (
        ('finetune.strategies=["off-the-shelf"]', "backbones: dcnn-light: unknown strategy 'full'"),
        ('finetune.tune={strategy=["full","lp-ft"]}', "strategies is of no use where tune.strategy chooses"),
    ):
        with pytest.raises(RequestError, match=message):
            plan(study_of(tmp_path, cache_dir, "seeds=[0]", named, setting), [])


def test_augmentations_are_compared_as_strategies_that_differ_in_nothing_else(tmp_path, cache_dir):
    names = 'finetune.strategies=["full","augmented-some","augmented-none"]'
    table = 'finetune.augmented={ some="basic", none="none" }'
    study = study_of(tmp_path, cache_dir, "seeds=[0]", names, table, 'finetune.augment="basic"')
    tasks = {str(task.tags.method): task for task in find(plan(study, []), "finetune", fold=0)}
    assert tasks["augmented-some"].params["options"] == tasks["full"].params["options"]
    differs = {**tasks["full"].params["options"], "augment": "none"}
    assert tasks["augmented-none"].params["options"] == differs
    for setting, message in (
        ('finetune.augmented={ some="bsic" }', "unknown augmentation 'bsic'. Did you mean 'basic'"),
        ('finetune.strategies=["augmented"]', "augmented compares augmentations by a table"),
        ('finetune.augmented={ some="colour", none="none" }', "colour"),
    ):
        with pytest.raises(RequestError, match=message):
            plan(study_of(tmp_path, cache_dir, names, setting), [])
