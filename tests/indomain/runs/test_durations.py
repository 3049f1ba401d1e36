"""How long runs will take, from finished runs like them."""

import json
from dataclasses import replace

import pytest

from indomain.runs import durations
from indomain.runs.tags import Tags
from indomain.runs.task import Task


def finish(runs, task: Task, seconds: float) -> None:
    """Puts a finished run that took so long into the folder."""
    folder = runs.folder(task)
    folder.mkdir(parents=True)
    (folder / "task.json").write_text(json.dumps(task.record()))
    (folder / "DONE").write_text(json.dumps({"seconds": seconds, "files": {}}))


def training(number: int, like: str = "full 10", backbone: str = "squeezenet") -> Task:
    return Task("finetune", 1, {"number": number}, tags=Tags(backbone=backbone, seed=number), like=like)


def test_a_run_takes_the_median_of_finished_runs_like_it(runs):
    for number, seconds in enumerate([1, 2, 30]):
        finish(runs, training(number), seconds)
    assert durations.expected(durations.seconds_by_kind(runs), training(9)) == 2


@pytest.mark.parametrize(
    "other", [training(9, like="full 20"), training(9, backbone="dcnn"), replace(training(9), stage="pretrain")]
)
def test_of_another_kind_nothing_is_known(runs, other):
    finish(runs, training(0), 5)
    assert durations.expected(durations.seconds_by_kind(runs), other) is None


def test_the_time_left_is_a_sum_and_the_number_of_unknown_runs(runs):
    finish(runs, training(0), 5)
    tasks = [training(1), training(2), training(3, like="full 20")]
    assert durations.seconds_left(runs, tasks) == (10, 1)


def test_without_finished_runs_nothing_is_known(runs):
    assert durations.seconds_left(runs, [training(0)]) == (0, 1)
