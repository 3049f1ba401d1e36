"""The structure of the house: what runs are named by, and what may import what."""

import json
from pathlib import Path

from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.task import unique

HERE = Path(__file__).resolve().parent


def test_a_move_changes_no_digest(tmp_path, cache_dir):
    """A change of results raises a stage's VERSION and this snapshot together."""
    name, recipe, base = load_recipe("quickstart")
    study = Study(name, recipe, base, RunsFolder(tmp_path), Path("none"), cache_dir, quiet=True)
    tasks = unique(make_plan(study))
    expected = json.loads((HERE / "digests.json").read_text(encoding="utf-8"))
    assert sorted(task.digest for task in tasks) == sorted(expected.values())
