"""The run of the report: all its files."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain import metrics
from indomain.artifacts import predictions
from indomain.runs.task import Task, Work
from report.run import run
from tests.report.made import finished_run


@pytest.fixture(scope="module")
def made(reported, tmp_path_factory):
    """A report that is run once: its folder, and facts."""
    _, tasks, folders = reported
    task = tasks[-1]
    folder = tmp_path_factory.mktemp("report")
    shown = [folders[network.digest] for network in task.several("shown")]
    return folder, run(Work(task, folder, {"shown": shown}))


def test_every_file_is_written(made):
    names = {path.name for path in made[0].iterdir()}
    written = {
        "table.csv",
        "table.tex",
        "report.html",
        "predictions.csv",
        "stages.csv",
        "summary.txt",
        "differences-wrist.png",
        "intervals-wrist.png",
        "checklist.csv",
        "methods.txt",
        "methods.bib",
        "errors-wrist.png",
    }
    # One training says nothing about a rank: there is no ranks.csv.
    assert names == written


def test_facts_count_rows_and_comparisons(made):
    table = pd.read_csv(made[0] / "table.csv")
    assert made[1] == {"rows": len(table), "comparisons": int(table["difference"].notna().sum())}
    assert made[1] == {"rows": 8, "comparisons": 2}


def test_what_only_the_page_needs_is_not_in_the_file(made):
    assert "kind" not in pd.read_csv(made[0] / "table.csv")


def test_the_tables_numbers_are_those_of_the_predictions(reported, made):
    _, tasks, folders = reported
    network = next(task for task in tasks if task.stage == "finetune" and task.tags.chain == "in-domain")
    rows, y, scores = predictions.read(folders[network.digest] / "predictions.csv", ["normal", "abnormal"])
    test = (rows["split"] == "test").to_numpy()
    expected = metrics.evaluate(["auroc"], y[test], scores[test], 1)["auroc"][0]
    table = pd.read_csv(made[0] / "table.csv")
    own = table[(table["chain"] == "in-domain") & (table["backbone"] == network.tags.backbone)].set_index("metric")
    assert own.loc["auroc", "mean"] == pytest.approx(expected, abs=1e-5)


def test_the_same_inputs_give_the_same_files(reported, made, tmp_path):
    _, tasks, folders = reported
    run(Work(tasks[-1], tmp_path, {"shown": [folders[one.digest] for one in tasks[-1].several("shown")]}))
    for name in ("table.csv", "table.tex", "report.html", "predictions.csv", "summary.txt", "intervals-wrist.png"):
        assert (tmp_path / name).read_bytes() == (made[0] / name).read_bytes(), name


def test_where_one_training_diverged_the_others_are_shown(work, tmp_path):
    given = work()
    shown = [finished_run(tmp_path / "gone", diverged="finetune: nan"), *given.inputs["shown"][1:]]
    folder = tmp_path / "made"
    folder.mkdir()
    run(replace(given, folder=folder, inputs={"shown": shown}))
    table = pd.read_csv(folder / "table.csv")
    assert table["note"].eq("diverged: finetune: nan").sum() == 1 and table["mean"].notna().sum() == 6


def test_a_panel_is_copied_under_a_name_that_says_whose_it_is(work, tmp_path):
    given = work()
    image = np.full((20, 30, 3), 128, np.uint8)
    (tmp_path / "panel").mkdir()
    Image.fromarray(image).save(tmp_path / "panel/panel.png")
    fitted = given.task.several("shown")[0]
    shown = [*given.task.several("shown")]
    for whose in ("true", "predicted"):
        tags = replace(fitted.tags, explained=whose)
        shown.append(Task(stage="explain", version=1, params={"whose": whose}, kind="panel", tags=tags))
    folders = [*given.inputs["shown"], tmp_path / "panel", tmp_path / "panel"]
    folder = tmp_path / "made"
    folder.mkdir()
    run(Work(replace(given.task, inputs={"shown": shown}), folder, {"shown": folders}))
    backbone = fitted.tags.backbone
    names = {path.name for path in folder.glob("panel-*.png")}
    assert names == {f"panel-wrist-{backbone}-full-strict.png", f"panel-wrist-{backbone}-full-strict-predicted.png"}
    # Two panels, and the sheet of errors.
    assert (folder / "report.html").read_text().count("data:image/webp") == 3
