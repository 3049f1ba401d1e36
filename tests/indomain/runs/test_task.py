"""What a run is named by, and how tasks are found."""

from dataclasses import replace

import pytest

from indomain.runs.tags import Method, Tags
from indomain.runs.task import Damaged, Task, find, unique
from tests.indomain.runs.noting import note

TASK = Task("finetune", 1, {"seed": 0}, {"pretrained": note("a")}, tags=Tags(target="wrist", seed=0))


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "pretrain"},
        {"version": 2},
        {"params": {"seed": 1}},
        {"params": {"seed": 0, "more": None}},
        {"inputs": {}},
        {"inputs": {"pretrained": note("b")}},
        {"inputs": {"other": note("a")}},
        {"kind": "features"},
    ],
    ids=str,
)
def test_what_determines_a_result_is_in_the_digest(change):
    assert replace(TASK, **change).digest != TASK.digest


@pytest.mark.parametrize(
    "change",
    [
        {"tags": Tags(target="hand")},
        {"paths": {"split": "/elsewhere"}},
        {"like": "full 3"},
        {"despite_divergence": True},
    ],
    ids=str,
)
def test_where_it_stands_and_what_it_reads_it_from_is_not(change):
    assert replace(TASK, **change).digest == TASK.digest


def test_the_order_of_several_inputs_is_part_of_the_digest():
    a, b = note("a"), note("b")
    assert note("c", a, b).digest != note("c", b, a).digest


def test_the_order_of_parameters_is_not():
    first = Task("finetune", 1, {"seed": 0, "fold": 1})
    assert first.digest == Task("finetune", 1, {"fold": 1, "seed": 0}).digest


def test_needed_are_the_tasks_of_all_roles():
    a, b, c = note("a"), note("b"), note("c")
    task = Task("explain", 1, {}, {"classifier": a, "features": [b, c]})
    assert task.needed() == [a, b, c] and task.input("classifier") is a and task.several("features") == [b, c]


def test_tasks_are_found_by_stage_kind_and_tags():
    full = Tags(target="wrist", method=Method(strategy="full"), seed=1)
    network, features = Task("finetune", 1, {}, tags=full), Task("finetune", 1, {}, kind="features", tags=full)
    tasks = [network, features, Task("fusion", 1, {}, tags=full), Task("finetune", 1, {"x": 1}, tags=Tags(seed=2))]
    assert find(tasks, "finetune", seed=1) == [network]
    assert find(tasks, "finetune", None, seed=1) == [network, features]
    assert find(tasks, "finetune", target="hand") == []


def test_the_same_run_is_one_under_its_first_tags_and_in_its_first_place():
    first, other = Task("finetune", 1, {}, tags=Tags(chain="a")), note("x")
    again = Task("finetune", 1, {}, tags=Tags(chain="b"))
    assert [task.tags.chain for task in unique([first, other, again])] == ["a", None]


def test_the_title_says_the_tags_and_the_kind():
    task = Task("fusion", 1, {}, kind="features", tags=Tags(profile="strict", target="wrist", seed=3))
    assert task.title() == "fusion: wrist · seed 3 · features"


def test_what_was_asked_can_be_read_back_from_its_record():
    record = TASK.record()
    assert record["inputs"] == {"pretrained": note("a").digest} and record["tags"] == {"target": "wrist", "seed": 0}
    assert record["params"] == {"seed": 0} and record["stage"] == "finetune"


def test_a_damaged_run_is_named():
    assert str(Damaged(TASK, "text is missing")) == f"finetune: wrist · seed 0 ({TASK.name}): text is missing"
