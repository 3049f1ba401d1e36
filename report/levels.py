"""The unit of counting: a patch, an image, a study or a patient. A rule combines the scores of a unit's images."""

from typing import TYPE_CHECKING

import numpy as np

from indomain.data.split import SplitInfo
from indomain.errors import RequestError

# Imported where it is used: pandas takes half a second to import, which planning a recipe must not wait for.
if TYPE_CHECKING:
    import pandas as pd

LEVELS = {"patch": "id", "image": "image", "study": "study", "patient": "patient"}
RULES = ("mean", "majority", "max")


def has(level: str, info: SplitInfo) -> bool:
    """Whether a target's data tell which images belong to one unit of a level.

    Args:
        level: a key of `LEVELS`.
        info: what is known of the target's split.
    """
    known = {"patch": info.cut, "study": info.has_studies, "patient": info.has_patients}
    return known.get(level, True)


def counted(wanted: list[str], rules: list[str], info: SplitInfo) -> list[tuple[str, str, str]]:
    """The levels and rules that a table counts by, with their names in the table.

    Args:
        wanted: keys of `LEVELS`.
        rules: of `RULES`; a unit of a single image needs none, and is counted by the first only.
        info: what is known of the target's split.

    Returns:
        (level, name, rule) each; the name includes the rule where there are several.
    """
    counted = []
    for level in wanted:
        several = len(rules) > 1 and not (level == "patch" or (level == "image" and not info.cut))
        counted += [
            (level, f"{level}, {rule}" if several else level, rule) for rule in (rules if several else rules[:1])
        ]
    return counted


def gathered(
    rows: "pd.DataFrame", y: np.ndarray, scores: np.ndarray, level: str, rule: str, positive: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The predictions of a run, combined for the units of a level.

    Args:
        rows: `id`, `image`, `study`, `patient` and `group` of each image, as in predictions.csv; n rows.
        y: int (n,), class numbers.
        scores: (n, classes), each row of sum 1.
        level: a key of `LEVELS`.
        rule: one of `RULES`.
        positive: number of the positive class, which a unit has if any of its images has it; None: there is none.

    Returns:
        y (units,), scores (units, classes), groups (units,) and ids (units,), in the order in which units first appear.

    Raises:
        RequestError: images of one unit have different labels, and none of them is the positive class.
    """
    import pandas as pd

    unit, ids = pd.factorize(units(rows, level))
    first = np.full(len(ids), -1)
    first[unit[::-1]] = np.arange(len(unit))[::-1]
    groups = rows["group"].to_numpy()[first]
    if len(ids) == len(unit):
        return y, scores, groups, np.asarray(ids)
    label = y[first]
    mixed = np.unique(unit[y != label[unit]])
    if len(mixed):
        positive_units = np.unique(unit[y == positive]) if positive is not None else np.array([], int)
        undecided = np.setdiff1d(mixed, positive_units)
        if len(undecided):
            raise RequestError(_mixed(level, ids[undecided[0]]))
        label[positive_units] = positive
    return label, combined(unit, scores, rule), groups, np.asarray(ids)


def check(rows: "pd.DataFrame", level: str, positive: int | None, where: str) -> None:
    """Checks that every unit of a level has one label.

    Args:
        rows: a split table with `id`, `image`, `study`, `patient` and `y`.
        level: a key of `LEVELS`.
        positive: number of the positive class; None: there is none.
        where: name of the target, for the message.

    Raises:
        RequestError: a unit's images have different classes, and none of them is the positive class.
    """
    labels = rows.assign(unit=units(rows, level)).groupby("unit")["y"]
    mixed = labels.nunique() > 1
    if positive is not None:
        mixed &= ~labels.apply(lambda y: (y == positive).any())
    if mixed.any():
        raise RequestError(f"targets.{where}: " + _mixed(level, mixed[mixed].index[0]))


def units(rows: "pd.DataFrame", level: str) -> "pd.Series":
    """The name of each image's unit; an image without one is a unit by itself.

    Args:
        rows: `id`, `image`, `study` and `patient` of each image.
        level: a key of `LEVELS`.
    """
    names = rows[LEVELS[level]]
    if level == "study":
        # Data sets number studies within each patient.
        names = names.where((names == "") | (rows["patient"] == ""), rows["patient"] + "/" + names)
    return names.where(names != "", rows["id"])


def _mixed(level: str, name: str) -> str:
    return (
        f"{level} {name!r} has images of different classes, and one label for it needs the positive class among them. "
        f"Take {level!r} out of report.levels."
    )


def combined(unit: np.ndarray, scores: np.ndarray, rule: str) -> np.ndarray:
    """Combines the scores of each unit's images.

    * mean: the mean of the scores.
    * majority: the share of images in which each class has the highest score; the mean decides ties.
    * max: the highest score of each class, scaled to sum 1.

    Args:
        unit: int (n,), number of each image's unit, 0 … units − 1.
        scores: (n, classes), each row of sum 1.
        rule: one of `RULES`.

    Returns:
        (units, classes), each row of sum 1.
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
    # Shares of m images differ by at least 1 / m. The mean, at most 1, is added with a weight below half of that for the
    # largest unit, so that it decides ties and nothing else.
    weight = 1 / (2 * np.bincount(unit).max())
    decided = votes + weight * 0.5 * mean
    return decided / decided.sum(axis=1, keepdims=True)
