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
from report.comparison import PRIMARY, Comparison, RowKey, TableRow
from report.given import ReportInput
from report.options import Options
from report.sample import Difference, Sample

CHAINS = {"imagenet": ["imagenet"], "other": ["random"], "random": ["random"]}
FULL = Method(strategy="full")
# 160 images outside the test part, 40 in it.
COUNTS = [[0, "train", 0, 78], [0, "train", 1, 78], [0, "val", 0, 4], [0, "test", 0, 20], [0, "test", 1, 20]]


def split_info(**changes: Any) -> SplitInfo:
    """What is known of a target "t" of two classes, whose set names neither patients nor studies."""
    known: dict[str, Any] = {
        **{"name": "t", "set": "own", "title": "Own images", "citation": "", "synthetic": False, "stand_in": False},
        **{"classes": ["a", "b"], "positive": "b", "channels": 1, "has_patients": False, "has_studies": False},
        **{"cut": False, "origins": [], "masks": "", "incomplete": [], "folds": 1, "leaks": {}, "dropped": 0},
        "official_val_learnt": 0,
        **{"counts": COUNTS, "tested": [[0, 0, 20], [0, 1, 20]], "rows": "", "digest": ""},
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
    own = Options(metrics=["auroc"]).model_dump(exclude={"registry", "beside"})
    known: dict[str, Any] = {
        "recipe": {"name": "by-hand", **shown},
        "options": {
            **own,
            "compare_with": "imagenet",
            "best_imagenet": False,
            "test_metrics": ["auroc"],
            "reported": [],
        }
        | (options or {}),
        "registry": [],
        "budgets": {"t": [["all labels", 1.0]]},
        "infos": {"strict/t": info or split_info()},
        "marked": frozenset(),
        "sources": {},
        "beginnings": [],
        "missing": [],
        "chains": list(shown["chains"]),
        "pretrained": frozenset(name for name, words in shown["chains"].items() if len(words) > 1),
        "runs": [],
        "explanations": frozenset({"grad-cam", "lime"}),
    }
    return ReportInput(**{**known, **changes})


def row_key(chain: str = "imagenet", **changes: Any) -> RowKey:
    """The coordinates of a row of "t"."""
    known = {"profile": "strict", "target": "t", "budget": "all labels", "backbone": "n", "method": FULL}
    return RowKey(**{**known, "chain": chain, **changes})


def sample(values: list[float], folds=None, seeds=None, patients=40, spread=0.02, seed=0, **changes: Any) -> Sample:
    """A metric of trainings, by default of one fold; each of its patients moves it by chance."""
    count = len(values)
    influence = np.random.default_rng(seed).normal(0, spread / np.sqrt(patients), (1, patients)).repeat(count, axis=0)
    known = {"values": np.array(values, float), "patients": np.arange(patients), "influence": influence}
    plain = {"folds": np.array(folds or [0] * count), "seeds": np.array(seeds or range(count))}
    return Sample(**{**plain, **known, **changes})


def table_row(chain: str = "imagenet", mean: float = 0.8, metric: str = "auroc", **changes: Any) -> TableRow:
    """A row of the table, of three seeds; `changes` are attributes of the row or of its key."""
    names = {"profile", "target", "budget", "backbone", "method", "level"}
    key = row_key(chain, **{name: value for name, value in changes.items() if name in names})
    known = {"kind": "score", "data": "real", "interval": (mean - 0.1, mean + 0.1), "n_images": 10, "n_patients": 10.0}
    others = {name: value for name, value in changes.items() if name not in names}
    return TableRow(key, metric=metric, mean=mean, sample=sample([mean] * 3), **{**known, **others})


def comparison(value: float = 0.1, p: float = 0.04, family: str = PRIMARY, test: str = "t", chain: str = "imagenet"):
    """A comparison with the reference chain, whose interval is 0.08 wide on either side."""
    return Comparison(chain, Difference(value, (value - 0.08, value + 0.08), p, test, 0.12), family)


def arms_of(differences: list[float], seeds: int = 1) -> list[ArmResults]:
    """Two arms over as many folds: the reference, whose scores have noise of 1, and another with noise of its own.

    Each fold has 10 units.
    """
    rng = np.random.default_rng(0)
    arms = []
    for chain, noise in (("imagenet", [1.0] * len(differences)), ("other", differences)):
        arm = ArmResults(row_key(chain), split_info())
        for fold, spread in enumerate(noise):
            y, names = np.arange(10) % 2, np.array([f"{fold}-{number}" for number in range(10)])
            for seed in range(seeds):
                score = y + rng.normal(0, spread, 10)
                arm.runs.append(Run(fold, seed, y, np.stack([-score, score], axis=1), names, names))
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
