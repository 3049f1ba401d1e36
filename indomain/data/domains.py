"""Several labelled sets beside a target without labels, as domain adaptation reads them.

A task that adapts has the splits of its sources in its paths, "source0_split", "source1_split" ..., and their classes in its
parameters: `sources`, a list of {split, classes}.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain.data.split import Split

if TYPE_CHECKING:
    import pandas as pd

Images = Callable[[np.ndarray], np.ndarray]


def paths_of(sources: list[Split]) -> dict[str, Any]:
    """The paths of a task that reads some sources.

    Args:
        sources: their splits.
    """
    return {key: path for number, split in enumerate(sources) for key, path in split.paths(f"source{number}_").items()}


def params_of(sources: list[Split]) -> list[dict[str, Any]]:
    """What identifies the sources, for a task's parameters.

    Args:
        sources: their splits.
    """
    return [{"split": source.digest, "classes": source.info.classes} for source in sources]


def sources(paths: dict[str, Any], params: dict[str, Any]) -> list[tuple[Split, "pd.DataFrame"]]:
    """The splits of a task's sources, and the tables of their images with the target's class numbers as `y`.

    Args:
        paths: the task's.
        params: the task's, with `classes` of the target and `sources`.
    """
    found = []
    for number, source in enumerate(params["sources"]):
        split = Split.open(paths, f"source{number}_")
        table = split.table()
        table = table[table["split"] != "dropped"].reset_index(drop=True)
        ours = np.array([params["classes"].index(name) for name in source["classes"]])
        found.append((split, table.assign(y=ours[table["y"].to_numpy()])))
    return found


def unlabelled(split: Split, fold: int) -> "pd.DataFrame":
    """The target's images outside the test part: a label budget, which may ask for as many of each class, does not choose them.

    Args:
        split: the target's.
        fold: number of the fold.

    Returns:
        Rows of the split's table. Their column `y` may be read only to say what the class shares are.
    """
    every = split.table(fold)
    return every[~every["split"].isin(["test", "dropped"])].reset_index(drop=True)


def shares(y: np.ndarray, classes: int) -> list[float]:
    """The share of each class.

    Args:
        y: int (n,), class numbers.
        classes: number of classes.
    """
    return (np.bincount(y, minlength=classes) / len(y)).round(4).tolist()


def joined(parts: Sequence[tuple[Images, "pd.DataFrame"]]) -> tuple[Images, "pd.DataFrame"]:
    """Images of several pools as one pool, and their tables as one.

    Args:
        parts: for each pool what returns its images by row, and a table with the column `row`.

    Returns:
        What returns the images by the new rows, and the tables in the same order, with `row` numbered anew.
    """
    import pandas as pd

    starts = np.cumsum([0] + [int(table["row"].max()) + 1 if len(table) else 0 for _, table in parts])
    tables = [table.assign(row=table["row"] + start) for (_, table), start in zip(parts, starts)]

    def images(rows: np.ndarray) -> np.ndarray:
        rows = np.asarray(rows)
        pool = np.searchsorted(starts, rows, side="right") - 1
        found: np.ndarray | None = None
        for number in np.unique(pool):
            here = np.flatnonzero(pool == number)
            some = parts[number][0](rows[here] - starts[number])
            if found is None:
                found = np.empty((len(rows), *some.shape[1:]), some.dtype)
            found[here] = some
        return parts[0][0](rows) if found is None else found

    return images, pd.concat(tables, ignore_index=True)
