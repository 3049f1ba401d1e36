"""Publishing: the report's files copied into the recipe's results folder."""

import filecmp
import shutil
from pathlib import Path

from indomain import files
from indomain.recipe.study import Plan


def results_folder(plan: Plan) -> Path:
    """Where a recipe's table and page stand: <runs folder>/<recipe name>."""
    return plan.runs.path / plan.name


def publish(plan: Plan) -> Path:
    """Puts the files of the recipe's report into its results folder; those of an earlier plan stay in their own run.

    Returns:
        The results folder.
    """
    report = plan.find("report")[-1]
    source, folder = plan.runs.folder(report), results_folder(plan)
    folder.mkdir(parents=True, exist_ok=True)
    # Figures that an earlier plan of the same recipe had and this one has not; they stay in that plan's own run.
    for pattern in ("panel-*.png", "intervals-*.png", "labels-*.png", "robustness*", "reliability-*.png"):
        for path in folder.glob(pattern):
            if not (source / path.name).is_file():
                path.unlink()
    for path in source.iterdir():
        if path.name in ("task.json", "facts.json", "DONE"):
            continue
        if not (folder / path.name).is_file() or not filecmp.cmp(path, folder / path.name, shallow=True):
            with files.written(folder / path.name) as temporary:
                shutil.copy2(path, temporary)
    return folder
