"""What the tests of the report share: a small report's input made by hand, arms of known scores, and finished runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from indomain import files
from indomain.artifacts import explanations
from indomain.data.split import SplitInfo
from indomain.recipe.recipe import Recipe
from indomain.runs.tags import Method, Tags
from report.arms import ArmResults, Run
from report.comparison import RowKey
from report.given import ReportInput
from report.options import Options

CHAINS = {"imagenet": ["imagenet"], "other": ["random"], "random": ["random"]}
FULL = Method(strategy="full")


def split_info(**changes: Any) -> SplitInfo:
    """What is known of a target "t" of two classes, whose set names neither patients nor studies."""
    known: dict[str, Any] = {
        **{"name": "t", "set": "own", "title": "Own images", "citation": "", "synthetic": False, "stand_in": False},
        **{"classes": ["a", "b"], "positive": "b", "channels": 1, "has_patients": False, "has_studies": False},
        **{"cut": False, "origins": [], "masks": "", "incomplete": [], "folds": 1, "leaks": {}, "dropped": 0},
        "official_val_learnt": 0,
        **{"counts": [[0, "train", 0, 80], [0, "train", 1, 80], [0, "val", 0, 4]], "rows": "", "digest": ""},
    }
    return SplitInfo(**{**known, **changes})


def report_input(
    options: dict[str, Any] | None = None,
    recipe: dict[str, Any] | None = None,
    info: SplitInfo | None = None,
    **changes: Any,
) -> ReportInput:
    """The input of a report on the target "t" under the strict profile.

    Args:
        options: keys of [report] that are not as they are by default, `test_metrics` and `reported` among them.
        recipe: keys of the recipe that are not as in a small one.
        info: of the target's split.
        changes: other attributes.
    """
    small = {"title": "By hand", "backbones": ["squeezenet"], "targets": {"t": {"set": "own"}}, "chains": CHAINS}
    shown = Recipe.model_validate({**small, **(recipe or {})}).model_dump(mode="json", exclude={"report"})
    own = Options(samples=100, metrics=["auroc"]).model_dump(exclude={"registry", "beside"})
    known: dict[str, Any] = {
        "recipe": {"name": "by-hand", **shown},
        "options": {**own, "compare_with": "imagenet", "test_metrics": ["auroc"], "reported": [], **(options or {})},
        "registry": [],
        "budgets": {"t": [["all labels", 1.0]]},
        "infos": {"strict/t": info or split_info()},
        "marked": frozenset(),
        "sources": {},
        "missing": [],
        "runs": [],
        "explanations": frozenset({"grad-cam", "lime"}),
    }
    return ReportInput(**{**known, **changes})


def row_key(chain: str = "imagenet", **changes: Any) -> RowKey:
    """The coordinates of a row of "t"."""
    known = {"profile": "strict", "target": "t", "budget": "all labels", "backbone": "n", "method": FULL}
    return RowKey(**{**known, "chain": chain, **changes})


def arms_of(differences: list[float], seeds: int = 1) -> list[ArmResults]:
    """Two arms over as many folds: the reference, whose scores have noise of 1, and another with noise of its own.

    Each fold has 40 test images that make up 10 units, and 160 training images.
    """
    rng = np.random.default_rng(0)
    arms = []
    for chain, noise in (("imagenet", [1.0] * len(differences)), ("other", differences)):
        arm = ArmResults(row_key(chain), split_info())
        for fold, spread in enumerate(noise):
            y, names = np.arange(10) % 2, np.array([f"{fold}-{number}" for number in range(10)])
            for seed in range(seeds):
                score = y + rng.normal(0, spread, 10)
                arm.runs.append(Run(fold, seed, y, np.stack([-score, score], axis=1), names, names, 160, 40))
        arms.append(arm)
    return arms


def tags_of(**changes: Any) -> Tags:
    """The tags of a run on "t"."""
    known = {"profile": "strict", "target": "t", "budget": "all labels", "backbone": "n", "method": FULL}
    return Tags(**{**known, "chain": "imagenet", "fold": 0, "seed": 0, **changes})


def finished_run(folder: Path, **facts: Any) -> Path:
    """A folder of a run that is done."""
    files.write_json(folder / "DONE", facts)
    return folder


def measured_run(
    folder: Path, tags: Tags, values: list[float | None], explanation: str = "lime", measure: str = "pointing"
):
    """A finished `measure` run on as many images, each its own patient, as a report gets it; 12 images were learnt from.

    NaN: the map is blank; None: the image has no finding, and no row.
    """
    finished_run(folder, learnt=12)
    names = [f"{tags.fold}-{number}" for number in range(len(values))]
    rows = explanations.MeasureRows(names, names)
    applies = [value is not None for value in values]
    rows.add(explanation, measure, [np.nan if value is None else value for value in values], applies)
    rows.write(folder)
    return "explain", "measure", tags, folder


def corrupted_run(folder: Path, tags: Tags, scores: dict[tuple[str, int], list[float]]):
    """A finished `robustness` run, as a report gets it: (corruption, severity) -> scores of class b; classes alternate."""
    finished_run(folder, learnt=12)
    count = len(next(iter(scores.values())))
    names = [f"{tags.fold}-{number}" for number in range(count)]
    rows = explanations.CorruptedRows(
        pd.DataFrame({"id": names, "group": names, "y": np.arange(count) % 2}), ["a", "b"]
    )
    for (corruption, severity), values in scores.items():
        rows.add(corruption, severity, np.stack([1 - np.array(values), values], axis=1))
    rows.write(folder)
    return "explain", "robustness", tags, folder
