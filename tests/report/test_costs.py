"""What the runs of a recipe cost, stage by stage."""

import pytest

from report.costs import COLUMNS, of_stages
from tests.report.made import finished_run


@pytest.fixture
def folders(tmp_path):
    finetuned = [
        finished_run(tmp_path / "finetune-a", seconds=1.25, peak_memory_mb=300, images_per_second=10.0),
        finished_run(tmp_path / "finetune-b", seconds=2.5, peak_memory_mb=500, images_per_second=30.0),
        finished_run(tmp_path / "finetune-c", seconds=0.5, peak_memory_mb=400, images_per_second=14.0),
    ]
    return [*finetuned, finished_run(tmp_path / "fusion-a", seconds=7.0, peak_memory_mb=100), tmp_path / "explain-a"]


def test_a_stage_costs_what_its_runs_do_together(folders):
    table = of_stages(folders).set_index("stage")
    assert table.loc["finetune", ["runs", "seconds", "peak_memory_mb"]].tolist() == [3, 4.2, 500]


def test_images_per_second_are_the_median_of_the_trainings(folders):
    table = of_stages(folders).set_index("stage")
    assert table.loc["finetune", "images_per_second"] == 14 and table.isna().loc["fusion", "images_per_second"]


def test_runs_that_are_not_finished_cost_nothing_yet(folders):
    assert of_stages(folders)["stage"].tolist() == ["finetune", "fusion"]


def test_without_any_run_the_table_is_empty():
    assert list(of_stages([]).columns) == COLUMNS and len(of_stages([])) == 0
