"""What is counted as one: a patch, an image, a study, a patient. Several scores become one by a stated rule."""

from typing import Any

import numpy as np
import pandas as pd

from indomain.errors import RequestError

LEVELS = {"patch": "id", "image": "image", "study": "study", "patient": "patient"}
RULES = ("mean", "majority", "max")


def has(level: str, facts: dict[str, Any]) -> bool:
    """Whether a target knows what belongs together at this level; `facts` of its listing."""
    known = {"patch": facts["cut"], "study": facts["has_studies"], "patient": facts["has_patients"]}
    return known.get(level, True)


def gathered(
    rows: pd.DataFrame, y: np.ndarray, scores: np.ndarray, level: str, rule: str, positive: int | None
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
    words = rows[LEVELS[level]].where(rows[LEVELS[level]] != "", rows["id"])
    unit, ids = pd.factorize(words)
    first = np.full(len(ids), -1)
    first[unit[::-1]] = np.arange(len(unit))[::-1]
    groups = rows["group"].to_numpy()[first]
    if len(ids) == len(unit):
        return y, scores, groups, np.asarray(ids)
    label = y[first]
    mixed = np.unique(unit[y != label[unit]])
    if len(mixed):
        if positive is None:
            raise RequestError(
                f"{level} {ids[mixed[0]]!r} has images of different classes; one label for it needs a positive class. "
                f"Take {level!r} out of report.levels."
            )
        label[np.unique(unit[y == positive])] = positive
    return label, combined(unit, scores, rule), groups, np.asarray(ids)


def combined(unit: np.ndarray, scores: np.ndarray, rule: str) -> np.ndarray:
    """One row of scores, of sum 1, for each unit.

    mean: of the scores. majority: the share of images that each class wins; equal shares are decided by the mean.
    max: the highest score of each class, scaled to sum 1.

    Args:
        unit: (n,) numbers 0 … units − 1; scores: (n, classes).
    """
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
