import pytest

from indomain.errors import RequestError
from indomain.networks.options import Architecture
from indomain.runs.task import find, unique
from indomain.training.options import LearningOptions
from pretrain.objectives import OBJECTIVES, Objective
from pretrain.plan import options_model, plan
from tests.conftest import SMALL_MANIFEST
from tests.small import study_of

ONE = 'pretrain.seeds="one"'
CHAINS = 'chains={random=["random"], once=["random", "elbow:rotation"], twice=["random", "elbow:rotation", "elbow:supervised"]}'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def made(folder, cache_dir):
    """The plan of the small recipe with other keys; its splits are drawn once."""
    return lambda *settings: plan(study_of(folder, cache_dir, CHAINS, ONE, *settings), [])


@pytest.fixture(scope="module")
def tasks(made):
    return made()


def test_a_chain_without_steps_needs_no_pretraining(tasks):
    assert not find(tasks, "pretrain", chain="random")


def test_each_step_is_a_task_that_reads_the_network_of_the_one_before(tasks):
    first, second = find(tasks, "pretrain", chain="twice")
    assert (first.tags.step, first.params["objective"], first.params["start"]) == (1, "rotation", "random")
    assert (second.tags.step, second.params["objective"]) == (2, "supervised")
    assert second.params["start"] == "previous step" and second.input("previous") == first


def test_equal_steps_of_two_chains_are_one_run(tasks):
    (once,) = find(tasks, "pretrain", chain="once")
    assert once.digest == find(tasks, "pretrain", chain="twice")[0].digest
    assert len(tasks) == 3 and len(unique(tasks)) == 2


def test_each_seed_has_its_own_pretraining_unless_all_are_to_share_one(folder, cache_dir, tasks):
    assert {task.params["seed"] for task in plan(study_of(folder, cache_dir, CHAINS), [])} == {0, 1}
    assert {task.params["seed"] for task in tasks} == {0}


def test_a_task_says_what_is_learnt_by_which_network_with_which_options(made):
    (task,) = find(made("pretrain.rotation.epochs=3"), "pretrain", chain="once")
    assert task.params["options"]["epochs"] == 3 and task.params["options"]["copies"] == 4
    assert Architecture.of(task.params["backbone"]) == Architecture("dcnn-light", 0.125, (32, 32, 1))
    assert (task.tags.source, task.tags.target, task.tags.backbone) == ("elbow", "wrist", "dcnn-light-w0.125")


def test_another_objectives_options_change_no_run(made, tasks):
    assert [task.digest for task in made("pretrain.simclr.epochs=3")] == [task.digest for task in tasks]


def test_the_papers_profile_uses_the_first_seed(made):
    tasks = made('profiles=["paper"]', 'pretrain.seeds="each"')
    assert {(task.tags.profile, task.params["seed"]) for task in tasks} == {("paper", 0)}


def test_a_probe_is_a_target_of_the_recipe(made, tasks):
    probed = made('pretrain.probe="wrist"')
    assert all(task.params["probe"] and task.paths["probe_split"] for task in probed)
    assert not any(task.params["probe"] for task in tasks)
    with pytest.raises(RequestError, match="pretrain.probe: unknown target 'wirst'. Did you mean 'wrist'"):
        made('pretrain.probe="wirst"')


def test_an_unknown_objective_is_refused_with_its_chain(made):
    with pytest.raises(RequestError, match="chains.x: unknown objective 'rotating'. Did you mean 'rotation'"):
        made('chains={x=["random", "elbow:rotating"]}')


ORIGINS = 'chains={x=["random", "elbow:source-labels"]}'


def test_origins_cannot_be_told_apart_where_there_is_one(made):
    with pytest.raises(RequestError, match=r"chains.x: source-labels tells apart .*'elbow' has only one"):
        made(ORIGINS)


def test_origins_can_be_told_apart_where_there_are_several(made, folder):
    other = SMALL_MANIFEST.replace('"small"', '"other"').replace("patients = 16", "patients = 4")
    (folder / "other.toml").write_text(other)
    assert len(made(ORIGINS, 'sources.elbow.set=["small.toml:elbow", "other.toml:hand"]')) == 1


def test_an_augmentation_that_needs_colours_is_refused_for_grey_images(made):
    with pytest.raises(RequestError, match='pretrain.rotation: augment = "colour"'):
        made('pretrain.rotation.augment="colour"')


def test_an_unknown_key_is_refused_with_those_there_are(made):
    with pytest.raises(RequestError, match="unknown key 'rotation.copeis'. Did you mean 'rotation.copies'"):
        made("pretrain.rotation.copeis=2")


class MineOptions(LearningOptions):
    strength: int = 7


@pytest.fixture
def mine(monkeypatch):
    """An objective that somebody else's module registers."""
    monkeypatch.setitem(OBJECTIVES, "mine", Objective("elsewhere.mine:pretrain", MineOptions))


def test_an_objective_registered_from_outside_has_its_table_of_options(mine):
    options = options_model().model_validate({"mine": {"strength": 3}})
    assert options.mine == MineOptions(strength=3) and options_model()().mine.strength == 7


def test_an_objective_registered_from_outside_is_planned(mine, made):
    (task,) = made('chains={x=["random", "elbow:mine"]}', "pretrain.mine.strength=3")
    assert task.params["objective"] == "mine" and task.params["options"]["strength"] == 3


def test_without_it_its_table_is_an_unknown_key(made):
    with pytest.raises(RequestError, match="unknown key 'mine'"):
        made("pretrain.mine.strength=3")
