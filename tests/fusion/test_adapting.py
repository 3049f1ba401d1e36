"""The plan of adaptation: which rows there are, what they read, and what is refused."""

from collections import Counter

import pytest

from fusion import adapting as plan_of_adaptation
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import find
from tests.fusion.conftest import ADAPTING
from tests.studies import small_study

METHODS = ["domain-classifier", "kliep", "subspace-alignment", "coral", "linear-ot"]


@pytest.fixture
def planned(tmp_path, cache_dir):
    def plan(*settings, text=ADAPTING):
        return make_plan(small_study(tmp_path, cache_dir, text, *settings))

    return plan


def test_every_method_stands_beside_its_two_controls_and_its_oracle(adapting):
    rows = Counter(task.tags.method.adaptation for task in find(adapting[1], "fusion", "adapt", fold=0, seed=0))
    wanted = ["source-only", "target-trained", *METHODS, *(f"{name} (oracle)" for name in METHODS)]
    assert rows == dict.fromkeys(wanted, 1)
    assert {task.version for task in find(adapting[1], "fusion", "adapt")} == {plan_of_adaptation.VERSION}


def test_the_row_says_that_it_is_an_adaptation(adapting):
    words = {str(task.tags.method) for task in find(adapting[1], "fusion", "adapt")}
    assert "off-the-shelf features, coral: logistic-regression" in words
    assert "off-the-shelf features, coral (oracle): logistic-regression" in words


def test_features_of_target_and_source_are_those_of_the_same_network_off_the_shelf(adapting):
    for task in find(adapting[1], "fusion", "adapt"):
        (target,), (source,) = task.several("features"), task.several("sources")
        assert (
            target.params["backbone"] == source.params["backbone"] and target.params["start"] == source.params["start"]
        )
        assert target.params.get("seed") == source.params.get("seed") and target.params["rows"] != source.params["rows"]
        assert source.tags.source == "elbow" and source.paths["start"] == target.paths["start"]
    assert {task.kind for task in adapting[1] if task.tags.source == "elbow" and task.stage == "finetune"} == {
        "features"
    }


def test_settings_that_are_chosen_are_said_in_the_row(planned):
    tasks = find(planned("fusion.adaptation.choose=prediction-entropy"), "fusion", "adapt", fold=0, seed=0)
    tuned = {task.tags.method.adaptation for task in tasks if task.tags.method.tuned}
    assert tuned == set(METHODS)
    assert {task.params.get("choose") for task in tasks if "oracle" in task.tags.method.adaptation} == {"target labels"}


def test_a_source_of_adaptation_is_checked_for_leaks_like_any_other(adapting):
    study, _ = adapting
    assert study.recipe.sources_of("wrist") == {"elbow"}
    assert study.source("elbow", "strict", labelled=True).info.classes == ["normal", "abnormal"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["fusion.adaptation.methods=[]"], r"adapt_from names sources, and neither \[fusion.adaptation\] nor \[finetune.adaptation\] has"),
        (["targets.wrist.adapt_from=[]"], r"no target has sources to adapt from"),
        (["targets.wrist.adapt_from=['ankle']"], r"targets.wrist.adapt_from: unknown source 'ankle'"),
        (["fusion.adaptation.methods=['corall']"], r"unknown method of adaptation 'corall'. Did you mean 'coral'"),
        (["fusion.adaptation.choose=accuracy"], r"without a label of the target.*oracle = true"),
        (["finetune.strategies=['full']"], r"adaptation reads networks that have not seen the target's labels"),
        (["sources.elbow.classes={healthy=['normal'],ill=['abnormal']}"], r"source 'elbow' has the classes healthy, ill.*same names"),
        (["targets.wrist.confounder={share=0.9}"], r"adapt_from and confounder exclude each other"),
    ],
)  # fmt: skip
def test_what_cannot_be_adapted_is_refused_with_the_way_out(planned, settings, words):
    with pytest.raises((RequestError, ValueError), match=words):
        planned(*settings)
