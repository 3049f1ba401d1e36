"""The unit of counting: a patch, an image, a study, a patient. Several scores become one by a stated rule."""

from typing import TYPE_CHECKING

import numpy as np

from indomain.data.split import SplitInfo
from indomain.errors import RequestError

# pandas takes half a second to import, which planning a recipe need not wait for.
if TYPE_CHECKING:
    import pandas as pd

LEVELS = {"patch": "id", "image": "image", "study": "study", "patient": "patient"}
RULES = ("mean", "majority", "max")


def has(level: str, info: SplitInfo) -> bool:
    """Whether a target knows what belongs together at this level."""
    known = {"patch": info.cut, "study": info.has_studies, "patient": info.has_patients}
    return known.get(level, True)


def counted(wanted: list[str], rules: list[str], info: SplitInfo) -> list[tuple[str, str, str]]:
    """The units that a table counts: level, its name in the table, rule; an image on its own needs no rule."""
    found = []
    for level in wanted:
        several = len(rules) > 1 and not (level == "patch" or (level == "image" and not info.cut))
        found += [(level, f"{level}, {rule}" if several else level, rule) for rule in (rules if several else rules[:1])]
    return found


def gathered(
    rows: "pd.DataFrame", y: np.ndarray, scores: np.ndarray, level: str, rule: str, positive: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The predictions of a run at a level.

    Args:
        rows: `id`, `image`, `study`, `patient`, `group`, as in predictions.csv; y: (n,); scores: (n, classes).
        level: one of `LEVELS`; rule: one of `RULES`.
        positive: the positive class: a study or patient has it if any of its images has.

    Returns:
        y (units,), scores (units, classes), groups (units,), ids (units,), in the order in which units first appear.

    Raises:
        RequestError: images of one unit have different labels, and there is no positive class to decide.
    """
    import pandas as pd

    unit, ids = pd.factorize(_units(rows, level))
    first = np.full(len(ids), -1)
    first[unit[::-1]] = np.arange(len(unit))[::-1]
    groups = rows["group"].to_numpy()[first]
    if len(ids) == len(unit):
        return y, scores, groups, np.asarray(ids)
    label = y[first]
    mixed = np.unique(unit[y != label[unit]])
    if len(mixed):
        with_it = np.unique(unit[y == positive]) if positive is not None else np.array([], int)
        undecided = np.setdiff1d(mixed, with_it)
        if len(undecided):
            raise RequestError(_mixed(level, ids[undecided[0]]))
        label[with_it] = positive
    return label, combined(unit, scores, rule), groups, np.asarray(ids)


def check(rows: "pd.DataFrame", level: str, positive: int | None, where: str) -> None:
    """Raises a RequestError where a unit's images have different classes and none of them is the positive one.

    Args:
        rows: a split table with `id`, `image`, `study`, `patient` and `y`; where: the target.
    """
    labels = rows.assign(unit=_units(rows, level)).groupby("unit")["y"]
    mixed = labels.nunique() > 1
    if positive is not None:
        mixed &= ~labels.apply(lambda y: (y == positive).any())
    if mixed.any():
        raise RequestError(f"targets.{where}: " + _mixed(level, mixed[mixed].index[0]))


def _units(rows: "pd.DataFrame", level: str) -> "pd.Series":
    """The name of the unit of each image; studies are numbered within a patient."""
    words = rows[LEVELS[level]]
    if level == "study":
        words = words.where((words == "") | (rows["patient"] == ""), rows["patient"] + "/" + words)
    return words.where(words != "", rows["id"])


def _mixed(level: str, name: str) -> str:
    return (
        f"{level} {name!r} has images of different classes, and one label for it needs the positive class among them. "
        f"Take {level!r} out of report.levels."
    )


def combined(unit: np.ndarray, scores: np.ndarray, rule: str) -> np.ndarray:
    """One row of scores, of sum 1, for each unit.

    mean: of the scores. majority: the share of images that each class wins; equal shares are decided by the mean.
    max: the highest score of each class, scaled to sum 1.

    Args:
        unit: (n,) numbers 0 … units − 1; scores: (n, classes).
    """
    import pandas as pd

    frame = pd.DataFrame(scores)
    mean = frame.groupby(unit).mean().to_numpy()
    if rule == "mean":
        return mean
    if rule == "max":
        highest = frame.groupby(unit).max().to_numpy()
        return highest / highest.sum(axis=1, keepdims=True)
    votes = pd.DataFrame(np.eye(scores.shape[1])[scores.argmax(axis=1)]).groupby(unit).mean().to_numpy()
    # Small beside the least difference of shares, so that it decides ties and nothing else.
    least = 1 / (2 * np.bincount(unit).max())
    decided = votes + least * 0.5 * mean
    return decided / decided.sum(axis=1, keepdims=True)
