"""The structure of the house: what runs are named by, and what may import what."""

import json
from pathlib import Path

from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Plan, make_plan
from indomain.runs import executor
from indomain.runs.folder import RunsFolder

HERE = Path(__file__).resolve().parent


def test_a_move_changes_no_digest(tmp_path, cache_dir):
    """A change of results raises a stage's VERSION and this snapshot together."""
    name, recipe, base = load_recipe("quickstart")
    plan = Plan(name, recipe, base, RunsFolder(tmp_path), Path("none"), cache_dir, quiet=True)
    found = {task.title(): task.digest for task in executor.unique(make_plan(plan).tasks)}
    assert found == json.loads((HERE / "digests.json").read_text(encoding="utf-8"))
