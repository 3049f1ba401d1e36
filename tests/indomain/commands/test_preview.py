"""What `indomain plan` prints: what is to be prepared, what is done, what is to be done, and why."""

import json

import pytest

from indomain.commands import preview
from indomain.runs.folder import RunsFolder
from indomain.runs.task import Task

SMALLER = ["--set", "explain.images=0", "--set", "seeds=[0]", "--set", "fusion.classifiers=[]"]


def reason(out: str, words: str) -> str:
    """The line about the first run whose line has these words."""
    return next(line for line in out.splitlines() if words in line)


@pytest.fixture
def new_plan(indomain, small_recipe):
    """The plan of a recipe of which nothing is done, but whose sets are prepared."""
    status, out, err = indomain("plan", "tiny.toml", "--prepare", *SMALLER)
    assert status == 0, err
    return out


@pytest.fixture
def planned(indomain, finished_here):
    """The plan of the finished recipe with some of its keys changed."""
    return lambda *settings: indomain("plan", "tiny.toml", *(w for word in settings for w in ("--set", word)))[1]


def test_what_was_never_done_is_new_or_needs_what_is_not_done(new_plan):
    assert all(line.startswith("to do") for line in new_plan.splitlines()[:-3])
    assert reason(new_plan, "pretrain:").endswith("(new)")
    assert "(needs pretrain-" in reason(new_plan, "in-domain · squeezenet · full")


def test_how_small_a_difference_the_design_sees_is_said_or_why_none(new_plan, planned):
    assert "wrist: one training of each chain, so that nothing can be claimed" in new_plan
    assert "four times in five" in planned("seeds=[0,1,2]")


def test_of_runs_of_which_nothing_is_known_no_length_is_guessed(new_plan):
    assert new_plan.splitlines()[-1] == "8 runs to do, about 0:00, and 8 runs of unknown length"


def test_what_needs_a_run_stands_below_it(new_plan):
    lines = new_plan.splitlines()
    place = lines.index(reason(new_plan, "pretrain:"))
    assert "  finetune:" in lines[place + 1] and "in-domain" in lines[place + 1]


def test_of_a_finished_recipe_all_is_done(planned):
    out = planned()
    assert out.splitlines()[-1] == "0 runs to do: all done"
    assert all(line.startswith("done") for line in out.splitlines()[:-3])


def test_a_changed_key_is_said_with_what_it_was(planned):
    out = planned("finetune.batch=8")
    assert "options.batch was 32, is 8" in reason(out, "full · all labels")
    assert reason(out, "pretrain:").startswith("done")


def test_the_length_is_that_of_finished_runs_like_these(planned):
    assert " runs to do, about 0:" in planned("finetune.batch=8").splitlines()[-1]
    assert "unknown length" not in planned("finetune.batch=8")
    # Nobody has trained for so long yet.
    assert "and 4 runs of unknown length" in planned("finetune.epochs=50")


def test_of_a_list_only_what_was_added_or_removed_is_said(planned):
    report = reason(planned("seeds=[0, 1, 2]"), "report:")
    assert "recipe.seeds has now 2" in report and "the runs in the table changed" in report and len(report) < 300
    assert "recipe.seeds no longer has 1" in reason(planned("seeds=[0]"), "report:")


def test_no_reason_is_longer_than_a_line_or_two(planned):
    assert max(map(len, planned("title=" + 300 * "x").splitlines())) < 300


def test_a_run_that_was_stopped_says_how_many_epochs_are_kept(indomain, finished_here):
    folder = next((finished_here / "runs/work").glob("finetune-*/log.csv")).parent
    partial = folder.rename(folder.with_name(f"{folder.name}.partial"))
    (partial / "DONE").unlink()
    (partial / "saved.json").write_text(json.dumps({"epochs": 1}))
    _, out, _ = indomain("plan", "tiny.toml")
    assert "(started: 1 of 2 epochs are saved)" in reason(out, folder.name.partition("-")[2])


def test_a_damaged_run_is_said(indomain, finished_here):
    folder = next((finished_here / "runs/work").glob("pretrain-*"))
    (folder / "log.csv").unlink()
    _, out, _ = indomain("plan", "tiny.toml")
    assert "(damaged: log.csv" in reason(out, "pretrain:")


def test_a_run_stands_below_what_it_needs_and_one_that_needs_many_at_the_root(tmp_path):
    networks = [Task("finetune", 1, {"seed": seed}) for seed in range(3)]
    panel = Task("explain", 1, {}, {"maps": networks[:2]})
    report = Task("report", 1, {}, {"shown": networks})
    shown = list(preview.lines([*networks, panel, report], RunsFolder(tmp_path)))
    digests = {task.digest: task for task in (*networks, panel, report)}
    tree = [
        (digests[line.split()[2]], line.split("  ", 2)[2].startswith("  "))
        for line in shown
        if line.startswith("to do")
    ]
    assert tree == [(networks[0], False), (networks[1], False), (panel, True), (networks[2], False), (report, False)]
