"""Label budgets: all labels, a fraction of them, or k shots per class, and what is left of a fold under one."""

from typing import Any

import pandas as pd

from indomain.errors import RequestError


def with_labels(table: pd.DataFrame, fraction: float | None, shots: int | None, validation: float) -> pd.DataFrame:
    """A fold's table with only the share `fraction` of the labels, or `shots` for each class, in train; val shrinks alike.

    A small label budget must pay for its validation images too: with `shots`, val keeps shots · validation / (1 − validation)
    images for each class, at least one.

    Raises:
        RequestError: a class would be left without an image.
    """
    if fraction is None and shots is None:
        return table
    keep = (table["split"] == "test").to_numpy(copy=True)
    # Images dropped as leaks leave gaps in the order: it is closed up here.
    rank = table.groupby(["split", "y"])["rank"].rank(method="first") - 1
    for part in ("train", "val"):
        for number in sorted(set(table["y"])):
            rows = ((table["split"] == part) & (table["y"] == number)).to_numpy()
            if shots is None:
                wanted = round(float(fraction or 0) * rows.sum())
            else:
                wanted = shots if part == "train" else max(1, round(shots * validation / (1 - validation)))
            if part == "train" and (wanted == 0 or wanted > rows.sum()):
                asked = f"fraction {fraction:g}" if shots is None else f"{shots} shots"
                raise RequestError(
                    f"the label {asked} leaves class {number} with {'no' if wanted == 0 else 'too few'} training images "
                    f"(it has {rows.sum()} in all). Ask for {'more' if wanted == 0 else 'fewer'}."
                )
            if part == "val" and rows.any():
                wanted = max(wanted, 1)
            keep |= rows & (rank < wanted).to_numpy()
    return table[keep]


def _words_of(budget: dict[str, float]) -> dict[str, Any]:
    return {"fraction": budget.get("fraction"), "shots": int(budget["shots"]) if "shots" in budget else None}


def labelled_rows(table: pd.DataFrame, budget: dict[str, float], validation: float) -> pd.DataFrame:
    """A fold's rows under a label budget ({}, {"fraction": f} or {"shots": k}), without the dropped ones."""
    kept = table[table["split"] != "dropped"]
    return with_labels(kept, **_words_of(budget), validation=validation).reset_index(drop=True)


def budget_label(budget: dict[str, float]) -> str:
    """A label budget in words: "all labels", "10 % of labels", "20 shots"."""
    if "shots" in budget:
        return f"{budget['shots']:g} shots"
    return f"{100 * budget['fraction']:g} % of labels" if budget.get("fraction", 1) != 1 else "all labels"


def share_or_shots(budget: dict[str, float]) -> float:
    """A label budget as a number to draw: the share of labels (1: all), or the labels of each class."""
    return budget.get("shots", budget.get("fraction", 1.0))
