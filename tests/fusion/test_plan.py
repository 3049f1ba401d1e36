"""The plan of fusion: which features, classifiers and groups of networks a recipe asks for."""

from collections import Counter

import pytest

from fusion.plan import plan as plan_of_stage
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import find, unique
from tests.studies import SMALL_STUDY, small_study

PAIR = "dcnn-light-w0.125+dcnn-light-w0.25"


@pytest.fixture
def planned(tmp_path, cache_dir):
    """Plans a small study with these settings."""

    def plan(*settings, text=SMALL_STUDY):
        return make_plan(small_study(tmp_path, cache_dir, text, *settings))

    return plan


def test_without_classifiers_and_heads_there_is_no_fusion(planned):
    assert find(planned(), "fusion", None) == []


def test_each_network_and_all_together_get_every_classifier(fused):
    tasks = find(fused[1], "fusion", "classify", chain="random")
    assert Counter(task.tags.backbone for task in tasks) == {"dcnn-light-w0.125": 2, "dcnn-light-w0.25": 2, PAIR: 4}


def test_one_network_has_nothing_to_fuse(fused):
    tasks = find(fused[1], "fusion", "classify", backbone="dcnn-light-w0.25")
    assert {str(task.tags.method) for task in tasks} == {"features: lda", "features: naive-bayes"}


def test_a_networks_features_are_extracted_once_for_all_groups_and_classifiers(fused):
    extracted = unique(find(fused[1], "fusion", "features", chain="random"))
    assert [task.tags.backbone for task in extracted] == ["dcnn-light-w0.125", "dcnn-light-w0.25"]
    together = find(fused[1], "fusion", "classify", chain="random", backbone=PAIR)
    assert all(
        [task.digest for task in extracted] == [one.digest for one in task.inputs["features"]] for task in together
    )


def test_heads_are_fused_where_there_are_several(fused):
    methods = [str(task.tags.method) for task in find(fused[1], "fusion", "heads", chain="random")]
    assert methods == [f"fusion by score-{rule}: own heads" for rule in ("mean", "weighted", "stacking")]


def test_only_what_is_asked_for_is_kept(fused):
    kept = [task for task in find(fused[1], "fusion", "classify") if task.params.get("save")]
    assert {task.params["classifier"] for task in kept} == {"lda"}


def test_features_of_one_network_can_be_selected_by_importance_but_not_fused(planned):
    tasks = planned(
        "fusion.classifiers=['lda']", "fusion.networks=['each']", "fusion.rules=['concat','pca','importance']"
    )
    fits = find(tasks, "fusion", "classify", chain="random", backbone="dcnn-light-w0.25")
    assert [str(task.tags.method) for task in fits] == ["features: lda", "features by importance: lda"]


def test_a_sweep_compares_layers_of_each_network_and_all_of_them_together(planned):
    tasks = planned("fusion.classifiers=['lda']", "fusion.sweep={dcnn-light=['stem1_conv','block1_concat']}")
    swept = [task for task in find(tasks, "fusion", "classify", chain="random") if task.tags.method.layer]
    methods = Counter(
        (task.tags.backbone, str(task.tags.method)) for task in swept if task.tags.method.classifier == "lda"
    )
    names = ["features of stem1_conv: lda", "features of block1_concat: lda", "features of 2 layers: lda"]
    backbones = ("dcnn-light-w0.125", "dcnn-light-w0.25")
    assert methods == {(backbone, name): 1 for backbone in backbones for name in names}
    for task in swept:
        layers = [one.params["layer"] for one in task.inputs["features"]]
        expected = {"2 layers": ["stem1_conv", "block1_concat"]}.get(task.tags.method.layer, [task.tags.method.layer])
        assert layers == expected and "+" not in task.tags.backbone
    # What was planned without a sweep is planned with it, unchanged.
    digests = {task.digest for task in tasks if task.stage == "fusion"}
    assert {task.digest for task in planned("fusion.classifiers=['lda']") if task.stage == "fusion"} < digests


def test_a_subset_is_one_more_group(planned):
    subset = f"fusion.subsets=[{PAIR.split('+')}]"
    tasks = planned("fusion.classifiers=['lda']", "fusion.networks=['each']", subset)
    groups = {task.tags.backbone for task in find(tasks, "fusion", "classify", chain="random")}
    assert groups == {"dcnn-light-w0.125", "dcnn-light-w0.25", PAIR}


def test_networks_on_the_same_untrained_backbone_share_their_features(planned):
    tasks = planned(
        "finetune.strategies=['off-the-shelf']", "fusion.classifiers=['lda']", "fusion.strategy='off-the-shelf'"
    )
    features = [task.inputs["features"] for task in find(tasks, "fusion", "classify", chain="in-domain")]
    assert find(tasks, "fusion", "features") == [] and all(task.stage == "finetune" for task in features[0])


def test_what_is_not_asked_for_is_in_no_digest(planned):
    digests = []
    for settings in [[], ["fusion.tune=false", "fusion.rules=['concat']", "fusion.pooling=['mean']"]]:
        tasks = planned("fusion.classifiers=['lda']", *settings)
        digests.append([task.digest for task in find(tasks, "fusion", None)])
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("fusion.layers={densenet='pool'}", "fusion.layers: unknown backbone 'densenet'"),
        ("fusion.sweep={densenet=['pool']}", "fusion.sweep: unknown backbone 'densenet'"),
        ("fusion.sweep={dcnn-light=['pool','pool']}", "sweep.dcnn-light has a layer twice"),
        ("fusion.strategy='off-the-shelf'", "fusion.strategy: unknown strategy 'off-the-shelf'"),
        (
            "fusion.subsets=[['dcnn-w0.25']]",
            "fusion.subsets: unknown backbone 'dcnn-w0.25'. Did you mean 'dcnn-light-w0.25'",
        ),
        ("fusion.save=['lda']", "fusion.save: unknown classifier 'lda'"),
    ],
)
def test_a_name_that_the_recipe_does_not_have_is_refused(planned, setting, words):
    with pytest.raises(RequestError) as raised:
        planned("fusion.classifiers=['knn']", setting)
    assert words in str(raised.value)


def test_choices_inside_too_few_training_images_are_refused(planned):
    labels = SMALL_STUDY.replace("validation = 0.25 }", "validation = 0.25 }\nshots = [2]")
    with pytest.raises(
        RequestError, match=r"tune = true holds out some.*'wrist' with 2 shots has a class of 2 .*at least 4 are"
    ):
        planned("fusion.classifiers=['lda']", "fusion.tune=true", text=labels)


def test_a_margin_classifier_inside_choices_inside_choices_needs_more_images(planned):
    labels = SMALL_STUDY.replace("validation = 0.25 }", "validation = 0.25 }\nshots = [8]")
    chosen = ["fusion.rules=['score-weighted']", "fusion.tune=true"]
    assert find(planned(*chosen, "fusion.classifiers=['lda']", text=labels), "fusion", "classify")
    assert find(planned(*chosen[1:], "fusion.classifiers=['linear-svm']", text=labels), "fusion", "classify")
    words = r"rules = score-weighted with tune = true with classifiers = linear-svm holds out .* class of 4 .*at least 6 are"
    with pytest.raises(RequestError, match=words):
        planned(*chosen, "fusion.classifiers=['linear-svm']", text=labels)


def test_margin_classifiers_need_two_patients_of_each_class(planned):
    labels = SMALL_STUDY.replace("validation = 0.25 }", "validation = 0.25 }\nshots = [1]")
    paper = ["profiles=['paper']", "fusion.networks=['each']"]
    assert find(planned(*paper, "fusion.classifiers=['lda']", text=labels), "fusion", "classify")
    with pytest.raises(RequestError, match=r"classifiers = rbf-svm holds out .* class of 1 patients .* at least 2 are"):
        planned(*paper, "fusion.classifiers=['lda', 'rbf-svm']", text=labels)


def test_weights_are_not_learnt_where_nothing_is_held_out(planned):
    with pytest.raises(RequestError, match="score-weighted learns on validation images, and target 'wrist' has none"):
        planned("fusion.heads=['score-weighted']", "profiles=['paper']")
    assert len(find(planned("fusion.heads=['score-mean']", "profiles=['paper']"), "fusion", "heads")) == 2


def test_it_follows_from_the_study_and_the_tasks_of_earlier_stages(fused):
    study, tasks = fused
    earlier = [task for task in tasks if task.stage in ("pretrain", "finetune")]
    own = [task for task in tasks if task.stage == "fusion"]
    assert [task.digest for task in plan_of_stage(study, earlier)] == [task.digest for task in own] != []


def test_where_one_profile_is_tuned_the_other_says_whose_features_it_fuses(planned):
    tuned = [
        'finetune.tune={ strategy=["full", "off-the-shelf"] }',
        "fusion.classifiers=['lda']",
        "fusion.strategy='tuned'",
    ]
    both = [*tuned, 'profiles=["strict", "paper"]']
    with pytest.raises(
        RequestError, match=r"under the profile paper, which is not tuned; set \[fusion.paper\] strategy"
    ):
        planned(*both)
    tasks = find(planned(*both, "fusion.paper={ strategy='full' }"), "fusion", "classify")
    methods = {(task.tags.profile, str(task.tags.method)) for task in tasks}
    assert methods == {("strict", "tuned fusion: lda"), ("paper", "fusion: lda")}


GROUP = ["fusion.groups={ both=['random/*w0.25', 'in-domain/*'] }", "fusion.classifiers=['lda']"]


def test_a_group_names_networks_of_several_chains(planned):
    tasks = find(planned(*GROUP, "seeds=[0, 1]"), "fusion", "classify", chain="both")
    members = "random/dcnn-light-w0.25+in-domain/dcnn-light-w0.125+in-domain/dcnn-light-w0.25"
    assert [(task.tags.backbone, task.tags.seed) for task in tasks] == [(members, 0), (members, 1)]


def test_a_group_may_name_the_baselines_networks_and_those_of_another_strategy(planned):
    settings = ["finetune.strategies=['full', 'off-the-shelf']", "baseline.backbones=['squeezenet']"]
    group = "fusion.groups={ beside=['imagenet-frozen/*', 'in-domain/*w0.25:off-the-shelf', 'random/*w0.25'] }"
    (task,) = find(planned(*settings, group, "fusion.classifiers=['lda']"), "fusion", "classify", chain="beside")
    assert task.tags.backbone == (
        "imagenet-frozen/squeezenet+in-domain/dcnn-light-w0.25:off-the-shelf+random/dcnn-light-w0.25"
    )


def test_the_papers_profile_has_no_group_of_what_it_lacks(planned):
    group = "fusion.groups={ beside=['imagenet-frozen/*', 'random/*'] }"
    settings = ['profiles=["strict", "paper"]', "baseline.backbones=['squeezenet']", "fusion.classifiers=['lda']"]
    tasks = find(planned(*settings, group), "fusion", "classify", chain="beside")
    assert {task.tags.profile for task in tasks} == {"strict"}
    with pytest.raises(RequestError, match="unknown network 'randon/"):
        planned("fusion.classifiers=['lda']", 'profiles=["paper"]', group.replace("random/", "randon/"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["fusion.groups={ both=['random/*', 'indomain/*'] }"], "fusion.groups.both: unknown network 'indomain/.'"),
        (["fusion.groups={ random=['random/*', 'in-domain/*'] }"], "fusion.groups.random has the name of a chain"),
        (["fusion.groups={ one=['random/*'] }"], "fusion.groups.one|'groups.one'"),
    ],
)
def test_a_group_that_cannot_be_is_refused(planned, settings, message):
    with pytest.raises(RequestError, match=message):
        planned("fusion.classifiers=['lda']", *settings)


def test_a_network_that_no_target_runs_is_refused(planned):
    few = 'targets.wrist.chains=["random"]'
    with pytest.raises(RequestError, match="unknown network 'in-domain"):
        planned(*GROUP, few)
