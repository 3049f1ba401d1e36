"""What a report is made from."""

from dataclasses import replace
from pathlib import Path

import pytest

from indomain.runs.task import Task
from report.given import ReportInput
from tests.report.made import measured_run, report_input, row_key, split_info, tags_of


def test_a_tasks_parameters_and_inputs_are_read(reported, work):
    study, tasks, folders = reported
    given = ReportInput.of(work())
    assert given.recipe["name"] == "study" and given.recipe["title"] == "Small study"
    assert given.infos == {"strict/wrist": study.target("wrist", "strict").info}
    assert [(stage, kind, folder) for stage, kind, _, folder in given.runs] == [
        ("finetune", "", folder) for folder in folders.values()
    ]


def test_runs_keep_their_tags(reported, work):
    given = ReportInput.of(work())
    fitted = [task.tags for task in reported[1] if task.stage == "finetune"]
    assert [tags for tags, _ in given.of_kind("finetune/")] == fitted


def test_marked_targets_are_known_and_no_part_of_what_is_known_of_a_split(work):
    given = work()
    given.params["infos"]["strict/wrist"]["confounder"] = True
    try:
        found = ReportInput.of(given)
    finally:
        given.params["infos"]["strict/wrist"]["confounder"] = False
    assert found.marked == {"strict/wrist"} and found.is_marked(tags_of(target="wrist"))
    assert ReportInput.of(given).marked == frozenset()


def test_only_runs_of_the_kinds_asked_for_are_given(tmp_path):
    measured = measured_run(tmp_path / "a", tags_of(), [1.0])
    given = report_input(
        runs=[measured, ("fusion", "heads", tags_of(), tmp_path), ("finetune", "", tags_of(), tmp_path)]
    )
    assert [folder for _, folder in given.of_kind("explain/measure")] == [tmp_path / "a"]
    assert len(list(given.of_kind("finetune/", "fusion/heads"))) == 2 and not list(given.of_kind("fusion/classify"))


@pytest.mark.parametrize("asking", [tags_of(), row_key()])
def test_what_is_known_of_a_split_is_found_by_tags_and_by_rows(asking):
    info = split_info(title="The one")
    assert report_input(info=info).info(asking) == info and not report_input().is_marked(asking)


def test_the_explanations_that_were_measured_are_known(work):
    given = work()
    fitted = given.task.several("shown")
    measured = [
        Task(stage="explain", version=1, params={"options": {"methods": methods}}, kind="measure", tags=fitted[0].tags)
        for methods in (["grad-cam", "lime"], ["lime"])
    ]
    task = replace(given.task, inputs={"shown": [*fitted, *measured]})
    found = ReportInput.of(replace(given, task=task, inputs={"shown": [*given.inputs["shown"], Path("a"), Path("b")]}))
    assert found.explanations == {"grad-cam", "lime"} and ReportInput.of(given).explanations == frozenset()


def test_the_first_metric_is_that_of_the_figures():
    assert report_input({"metrics": ["kappa", "auroc"]}).metric == "kappa"


def test_the_largest_budget_is_the_one_with_most_labels():
    budgets = {"t": [["10 % of the labels", 0.1], ["all labels", 1.0], ["half", 0.5]]}
    assert report_input(budgets=budgets).largest_budget("t") == "all labels"


def test_chains_are_in_the_recipes_order():
    assert report_input().chains == ["imagenet", "other", "random"]


@pytest.mark.parametrize(
    ("pretrain", "seeds", "shares", "anew"),
    [
        ({}, [0, 1], False, True),
        ({"seeds": "one"}, [0, 1], True, False),
        ({"seeds": "each"}, [0], True, False),
        ({"seeds": "each", "strict": {"seeds": "one"}}, [0, 1], True, False),
    ],
)
def test_it_is_known_whether_seeds_share_a_pretraining(pretrain, seeds, shares, anew):
    recipe = {
        **{"seeds": seeds, "pretrain": pretrain, "sources": {"s": {"set": "own"}}},
        "chains": {"imagenet": ["imagenet"], "other": ["random", "s:supervised"]},
    }
    given = report_input(recipe=recipe)
    assert given.shares_pretraining("other", "strict") is shares and given.pretrains_anew(row_key("other")) is anew
    assert not given.shares_pretraining("imagenet", "strict") and not given.pretrains_anew(row_key("imagenet"))


def test_all_labels_are_drawn_by_no_seed():
    given = report_input(budgets={"t": [["5 shots", 5], ["all labels", 1.0]]})
    assert given.draws_labels(row_key(budget="5 shots")) and not given.draws_labels(row_key())
    assert not given.draws_labels(row_key(budget="5 shots", profile="paper"))
    assert given.largest_budget("t") == "all labels"
