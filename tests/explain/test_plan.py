"""The plan of explanations: which networks and classifiers, how often, with which options."""

import pytest

from explain.plan import plan as plan_of_stage
from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from tests.explain.conftest import EXPLAINED, MARKED
from tests.studies import SMALL_STUDY, small_study


@pytest.fixture
def planned(tmp_path, cache_dir):
    """The explanations that a small study plans with these settings."""

    def plan(*settings, text=SMALL_STUDY + EXPLAINED):
        tasks = make_plan(small_study(tmp_path, cache_dir, text, *settings))
        return [task for task in tasks if task.stage == "explain"]

    return plan


def kinds(tasks):
    return {task.kind for task in tasks}


def test_nothing_is_explained_unless_it_is_asked_for(planned):
    assert planned(text=SMALL_STUDY) == []


def test_each_kind_can_be_had_alone(planned):
    assert kinds(planned("explain={images=2}", text=SMALL_STUDY)) == {"maps", "panel"}
    assert kinds(planned("explain={measure=2}", text=SMALL_STUDY)) == {"measure"}
    assert kinds(planned("explain={robustness={corruptions=['blur']}}", text=SMALL_STUDY)) == {"robustness"}


def test_a_panel_shows_every_chain_side_by_side(explained):
    panels = find(explained[1], "explain", "panel", target="wrist", explained="true")
    networks = [task for task in panels if task.tags.backbone == "dcnn-light-w0.125"]
    assert [task.params["chains"] for task in networks] == [["random", "in-domain"]]


def test_a_panel_says_what_it_shows_and_that_radiographs_are_synthetic(explained):
    panel = find(explained[1], "explain", "panel", target="wrist", backbone="dcnn-light-w0.125", explained="predicted")[
        0
    ]
    assert panel.params["note"] == "wrist, dcnn-light-w0.125, full: the predicted class — synthetic radiographs"


def test_each_class_asked_for_is_explained(explained):
    maps = find(explained[1], "explain", "maps", target="wrist", chain="random", backbone="dcnn-light-w0.125")
    assert [task.tags.explained for task in maps] == ["true", "predicted"]


def test_only_classifiers_that_are_kept_are_explained(explained):
    fused = [task for task in find(explained[1], "explain", "measure") if "classifier" in task.inputs]
    assert {task.input("classifier").params["classifier"] for task in fused} == {"lda"}


def test_what_needs_gradients_does_not_explain_a_classifier(explained):
    for task in find(explained[1], "explain", "measure", target="wrist"):
        methods = ["lime"] if "classifier" in task.inputs else ["grad-cam", "lime"]
        assert task.params["options"]["methods"] == methods


def test_a_classifier_that_no_method_can_explain_is_passed_over(planned):
    tasks = planned("explain.methods=['grad-cam']")
    assert not any("classifier" in task.inputs for task in tasks) and kinds(tasks) == {
        "maps",
        "panel",
        "measure",
        "robustness",
    }


def test_a_classifiers_networks_are_those_of_its_features(explained):
    fused = next(task for task in find(explained[1], "explain", "measure") if "classifier" in task.inputs)
    networks = [features.input("network").digest for features in fused.inputs["features"]]
    assert [network.digest for network in fused.inputs["networks"]] == networks


def test_options_of_other_methods_change_nothing(planned):
    runs = []
    for setting in ("explain.samples=20", "explain.samples=30"):
        tasks = planned(setting, "explain.methods=['grad-cam']")
        runs.append({task.digest for task in tasks if task.kind in ("maps", "measure")})
    assert runs[0] == runs[1]


def test_seeds_for_stability_change_measures_and_not_maps(planned):
    runs = [planned(f"explain.lime_seeds={number}") for number in (2, 3)]
    maps, measured = (
        [[task.digest for task in find(tasks, "explain", kind)] for tasks in runs] for kind in ("maps", "measure")
    )
    assert maps[0] == maps[1] and measured[0] != measured[1]


def test_the_first_seed_is_explained_and_every_seed_corrupted_with_the_largest_budget(planned):
    text = (SMALL_STUDY + EXPLAINED).replace("validation = 0.25 }", "validation = 0.25 }\nfractions = [0.5, 1.0]")
    tasks = planned("seeds=[3,1]", text=text)
    for kind in ("maps", "measure"):
        assert {task.tags.seed for task in tasks if task.kind == kind} == {3}
    tested = find(tasks, "explain", "robustness")
    assert {task.tags.seed for task in tested} == {3, 1} and len({task.digest for task in tested}) == len(tested) == 8
    assert {task.tags.budget for task in tasks} == {"all labels"}


def test_every_seed_is_tested_without_the_marker(planned):
    tasks = planned("seeds=[3,1]", "explain={}", text=SMALL_STUDY + MARKED)
    assert [(task.kind, task.tags.target) for task in tasks] == [("robustness", "marked")] * 4
    assert {task.tags.seed for task in tasks} == {3, 1}


def test_under_the_papers_profile_there_is_one_seed(planned):
    tasks = planned(
        "seeds=[3,1]", "profiles=['paper']", "explain={robustness={corruptions=['blur']}}", text=SMALL_STUDY
    )
    assert {task.tags.seed for task in tasks} == {3}


def test_panels_are_of_the_first_fold_and_measures_of_all(planned):
    text = (SMALL_STUDY + EXPLAINED).replace('scheme = "official"', 'scheme = "kfold", folds = 2')
    tasks = planned(text=text)
    assert {task.tags.fold for task in find(tasks, "explain", "maps")} == {0}
    assert {task.tags.fold for task in find(tasks, "explain", "measure")} == {0, 1}


def test_networks_alone_are_corrupted(explained):
    tasks = find(explained[1], "explain", "robustness", target="wrist")
    assert len(tasks) == 4 and all(task.input("network").stage == "finetune" for task in tasks)


def test_it_follows_from_the_study_and_the_tasks_of_earlier_stages(explained):
    study, tasks = explained
    earlier = [task for task in tasks if task.stage in ("pretrain", "finetune", "fusion")]
    own = [task for task in tasks if task.stage == "explain"]
    assert [task.digest for task in plan_of_stage(study, earlier)] == [task.digest for task in own] != []


def test_without_networks_nothing_is_planned(explained):
    assert plan_of_stage(explained[0], []) == []
