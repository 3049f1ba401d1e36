"""What a person sees of a recipe at work, and how the time left is found."""

import io

import pytest
from rich.console import Console

from indomain.runs import status
from indomain.runs.status import View, clock
from indomain.runs.tags import Tags
from indomain.runs.task import Task


def trainings(stage: str, number: int) -> list[Task]:
    return [Task(stage, 1, {"n": n}, tags=Tags(chain="[red]x", seed=n)) for n in range(number)]


def test_the_time_left_is_what_runs_like_these_took_shared_by_the_workers():
    tasks = trainings("finetune", 4)
    view = View(tasks, {task.digest: 10.0 for task in tasks}, quiet=True, workers=2)
    assert view.left() == "about 0:20 left"


def test_a_begun_run_is_a_plain_line_with_its_number_and_the_time_left(capsys):
    tasks = trainings("finetune", 4)
    with View(tasks, {task.digest: 10.0 for task in tasks}, quiet=False, workers=2) as view:
        view.begin(tasks[0])
    assert "[1/4, about 0:20 left] finetune: [red]x · seed 0" in capsys.readouterr().err


def test_the_drawn_view_shows_stages_runs_and_names_as_they_are():
    tasks = trainings("finetune", 4)
    view = View(tasks, {task.digest: 10.0 for task in tasks}, quiet=True, workers=2)
    view.begin(tasks[0])
    view.end(tasks[0])
    view.begin(tasks[1])
    view.progress("epoch 1/2 loss 0.5 · 800 images/s", 0.5)
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(view.drawn())
    shown = console.export_text()
    assert "finetune" in shown and "1/4" in shown and "[red]x · seed 1" in shown and "left" in shown
    assert "800 images/s" in shown


def test_progress_is_a_plain_line_now_and_then(capsys, monkeypatch):
    tasks = trainings("finetune", 1)
    view = View(tasks, {tasks[0].digest: None}, quiet=False)
    view.begin(tasks[0])
    view.progress("epoch 1/4", 0.25)
    assert "epoch 1/4" not in capsys.readouterr().err
    monkeypatch.setattr(status, "PLAIN_EVERY", 0.0)
    view.progress("epoch 2/4", 0.5)
    assert "finetune: [red]x · seed 0: epoch 2/4, 0:00 left" in capsys.readouterr().err


def test_the_time_left_counts_what_others_spent():
    tasks = trainings("finetune", 6)
    view = View(tasks, dict.fromkeys(task.digest for task in tasks), quiet=True, workers=2)
    for task in tasks[:4]:
        view.begin(task)
        view.end(task, seconds=30.0)
    assert view.left() == "about 0:30 left" and view.ours == 4


def test_a_run_that_another_process_has_finished_is_not_ours():
    tasks = trainings("finetune", 2)
    view = View(tasks, dict.fromkeys(task.digest for task in tasks), quiet=True)
    view.begin(tasks[0], here=False)
    view.end(tasks[0])
    assert view.ours == 0 and view.done == {tasks[0].digest}


def test_of_a_stage_that_has_not_begun_nothing_is_guessed():
    tasks = [*trainings("pretrain", 3), *trainings("finetune", 500)]
    view = View(tasks, dict.fromkeys(task.digest for task in tasks), quiet=True)
    assert view.left() == ""
    for task in tasks[:2]:
        view.begin(task)
        view.end(task, seconds=100.0)
    assert view.left() == "more than 1:40 left"


def test_once_a_stage_has_begun_all_its_runs_are_guessed():
    tasks = [*trainings("pretrain", 1), *trainings("finetune", 500)]
    view = View(tasks, dict.fromkeys(task.digest for task in tasks), quiet=True)
    for task, seconds in zip(tasks, (100.0, 2.0)):
        view.begin(task)
        view.end(task, seconds=seconds)
    assert view.left() == "about 16:38 left"


@pytest.mark.parametrize(("seconds", "shown"), [(42, "0:42"), (725, "12:05"), (11230, "3:07:10")])
def test_seconds_are_said_as_a_clock(seconds, shown):
    assert clock(seconds) == shown
