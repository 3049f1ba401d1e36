import pytest

from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from tests.studies import SMALL_STUDY, small_study
from transferability.plan import plan as plan_of_stage

THREE = SMALL_STUDY.replace(
    'in-domain = ["random", "others:supervised"]',
    '"{source}" = ["random", "{source}:supervised"]\nalike = ["random", "others:simclr"]',
)
MEASURED = ["transferability.measures=['logme', 'knn']", "finetune.strategies=['full', 'off-the-shelf']"]


@pytest.fixture
def planned(tmp_path, cache_dir):
    """The tasks of a small study with three chains and these settings."""

    def plan(*settings, text=THREE):
        return make_plan(small_study(tmp_path, cache_dir, text, *settings))

    return plan


def test_nothing_is_measured_unless_it_is_asked_for(planned):
    assert find(planned(), "transferability", None) == []


def test_every_network_is_measured_before_it_is_fine_tuned_and_all_are_judged_at_once(planned):
    tasks = planned(*MEASURED)
    measured = find(tasks, "transferability", "measure")
    assert {(task.tags.chain, task.tags.backbone) for task in measured} == {
        (chain, f"dcnn-light-w{width}") for chain in ("random", "others", "alike") for width in ("0.125", "0.25")
    }
    (judge,) = find(tasks, "transferability", "judge")
    assert len(judge.several("measured")) == 6
    # Fully fine-tuned ones and those off the shelf are what it is judged by.
    assert {task.tags.method.strategy for task in judge.several("outcomes")} == {"full", "off-the-shelf"}
    assert find(tasks, "report")[0].params["shown"][-1]["kind"] == "judge"


def test_measures_share_the_features_of_the_networks_off_the_shelf(planned):
    tasks = planned(*MEASURED)
    features = {task.digest for task in find(tasks, "finetune", "features")}
    assert {task.input("features").digest for task in find(tasks, "transferability", "measure")} == features


def test_only_the_largest_budget_is_judged(planned):
    tasks = planned(*MEASURED, "targets.wrist.shots=[2, 4]")
    assert {task.tags.budget for task in find(tasks, "transferability", "measure")} == {"4 shots"}


def test_a_chain_that_read_labels_of_the_targets_own_set_is_no_candidate(planned):
    (judge,) = find(planned(*MEASURED), "transferability", "judge")
    # Other parts of the body in the same collection are another set.
    assert judge.params["own"] == []
    whole = [*MEASURED, "sources.others.set='small.toml'", "drop_leaks=true"]
    (judge,) = find(planned(*whole), "transferability", "judge")
    assert judge.params["own"] == [["wrist", "others"]]


def test_sizes_count_what_a_chain_has_learnt_from(planned):
    (judge,) = find(planned(*MEASURED), "transferability", "judge")
    assert judge.params["sizes"]["random"] == 0 < judge.params["sizes"]["others"] <= judge.params["sizes"]["alike"]


AFTER_IMAGENET = THREE.replace('random = ["random"]', 'imagenet = ["imagenet"]').replace('"random", ', '"imagenet", ')
DISTANCES = [
    "transferability.measures=['leep', 'cka', 'frechet', 'otdd']",
    "finetune.strategies=['off-the-shelf']",
    "backbones=['squeezenet']",
]


def test_a_source_is_seen_once_by_the_same_network_whatever_was_learnt_from_it(planned):
    tasks = planned(*DISTANCES, "seeds=[0, 1]", text=AFTER_IMAGENET)
    sources = [task for task in find(tasks, "finetune", "features") if task.tags.source]
    measured = {(task.tags.chain, task.tags.seed): task for task in find(tasks, "transferability", "measure")}
    # One pass over the images, for both chains and seeds.
    assert {(task.tags.chain, task.tags.source) for task in sources} == {("imagenet", "others")} and len(sources) == 1
    assert {task.input("source").digest for task in measured.values() if "source" in task.inputs} == {sources[0].digest}
    assert {task.input("extractor").digest for task in measured.values()} == {
        measured["imagenet", 0].input("features").digest
    }
    # Each chain has its own head, if it has learnt classes.
    assert {key for key, task in measured.items() if "pretrained" in task.inputs} == {("others", 0), ("others", 1)}
    assert "source" not in measured["imagenet", 0].inputs


def test_without_distances_no_source_is_looked_at(planned):
    assert not [task for task in find(planned(*MEASURED), "finetune", "features") if task.tags.source]


def test_distances_need_a_network_that_is_the_same_for_all(planned):
    with pytest.raises(RequestError, match="cka, frechet, otdd: distances are measured .* and wrist has none"):
        planned(*DISTANCES, "backbones=[{name='dcnn-light', width=0.125}]")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["transferability.measures=['logmee']"], "unknown measure 'logmee'. Did you mean 'logme'"),
        (["transferability.measures=['logme']"], 'add "off-the-shelf" to .finetune. strategies'),
        ([*MEASURED, "targets.wrist.chains=['random', 'others']"], "none has three of them"),
        (["transferability.measure=['logme']"], "unknown key 'measure'"),
    ],
)
def test_what_cannot_be_measured_is_refused(planned, settings, message):
    with pytest.raises(RequestError, match=message):
        planned(*settings)


def test_the_stage_alone_plans_from_what_fine_tuning_planned(tmp_path, cache_dir):
    study = small_study(tmp_path, cache_dir, THREE, *MEASURED)
    earlier = [task for task in make_plan(study) if task.stage in ("pretrain", "finetune")]
    assert [task.kind for task in plan_of_stage(study, earlier)] == ["measure"] * 6 + ["judge"]


def test_the_papers_profile_alone_has_none(planned):
    assert find(planned(*MEASURED, 'profiles=["paper"]'), "transferability", None) == []
