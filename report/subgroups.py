"""Subgroups: the first metric of the images of each value of a column, and the gap between the best and the worst.

The scores of all folds are pooled, since a fold may have too few images of a group. What a group has beside its column, another
share of hard cases, goes into its number: a gap is a question, and no proof of its cause.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.runs.task import Work
from report import levels, statistics
from report.arms import ArmResults
from report.given import ReportInput
from report.table import measured, pooled

# A column with more values is no grouping, unless its values are numbers, which are put into three groups of equal size.
MOST_VALUES, NUMBERED = 20, 8
# Fewer patients, or fewer of a class, and a word says that the group is too small.
FEWEST, FEWEST_OF_CLASS = 20, 5
GAP = "largest gap"
COLUMNS = [
    *("profile", "target", "chain", "backbone", "method", "level", "metric", "column", "value"),
    *("mean", "ci_low", "ci_high", "n_images", "n_patients", "note"),
]


def values_of(work: Work) -> dict[str, pd.DataFrame]:
    """ "profile/target" -> the images of its split, with `id`, what units are named by, and a text for each column of `by`.

    Args:
        work: the report's.

    Raises:
        RequestError: a column has nearly as many values as there are patients.
    """
    found = {}
    for place, paths in work.task.paths.get("splits", {}).items():
        target = place.partition("/")[2]
        by = work.params["recipe"]["targets"][target]["by"]
        if not by:
            continue
        split = Split.open(paths)
        table = split.every_fold().drop_duplicates("id")
        index = pd.concat(
            [pd.read_csv(folder / "index.csv", dtype=str, keep_default_na=False) for folder in split.prepared],
            ignore_index=True,
        )
        for column in by:
            values = _column(column, table, index, split)
            table = table.assign(**{f"by_{column}": _grouped(values, table["group"], f"targets.{target}.by")})
        found[place] = table
    return found


def _column(column: str, table: pd.DataFrame, index: pd.DataFrame, split: Split) -> pd.Series:
    if column == "origin":
        return table["origin"]
    if column == "set":
        sets = [folder.name.rpartition("-")[0].rpartition("-")[0] for folder in split.prepared]
        names = np.concatenate([[name] * _length(folder) for name, folder in zip(sets, split.prepared)])
        return pd.Series(names[table["row"].to_numpy()], table.index)
    if column not in index:
        return pd.Series("", table.index)
    return pd.Series(index[column].fillna("").to_numpy()[table["row"].to_numpy()], table.index)


def _length(folder: Any) -> int:
    return len(pd.read_csv(folder / "index.csv", usecols=["id"]))


def _grouped(values: pd.Series, patients: pd.Series, where: str) -> pd.Series:
    """The values as groups: numbers with many values as three parts of equal size."""
    name = str(values.name or "column")
    kinds = values[values != ""].nunique()
    numbers = pd.to_numeric(values.where(values != ""), errors="coerce")
    if kinds > NUMBERED and numbers.notna().sum() == (values != "").sum():
        low, high = numbers.quantile([1 / 3, 2 / 3])
        labels = [f"up to {low:g}", f"{low:g} to {high:g}", f"above {high:g}"]
        place = np.where(numbers <= low, 0, np.where(numbers <= high, 1, 2))
        return pd.Series(np.array(labels)[place], values.index).where(numbers.notna(), "")
    if kinds > min(MOST_VALUES, max(patients.nunique() // 2, 1)):
        raise RequestError(
            f"{where}: the column {name!r} has {kinds} values for {patients.nunique()} patients, which makes no groups. Name a "
            "coarser column, or merge its values in the table that it comes from."
        )
    return values


def subgroups(arms: list[ArmResults], given: ReportInput, values: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One line per arm, column and value, and one for the largest gap, by the first metric and unit of counting.

    Args:
        arms: all arms of the table.
        given: the input of the report.
        values: as `values_of` returns it.
    """
    lines = []
    for arm in arms:
        key = arm.key
        table = values.get(f"{key.profile}/{key.target}")
        level = given.levels_of(key)[0]
        is_shown = (
            key.level == level[1] and key.budget == given.largest_budget(key.target) and not key.method.calibrated
        )
        if table is None or not arm.runs or not is_shown:
            continue
        units = levels.units(table, level[0])
        for column in given.recipe["targets"][key.target]["by"]:
            group = (
                table[f"by_{column}"].groupby(units).agg(lambda texts: texts.iloc[0] if texts.nunique() == 1 else "")
            )
            lines += _of_column(given, arm, column, group)
    return pd.DataFrame(lines, columns=COLUMNS)


def _of_column(given: ReportInput, arm: ArmResults, column: str, group: pd.Series) -> list[dict[str, Any]]:
    """The lines of one arm and column."""
    words = arm.key.words()
    fixed = {name: words[name] for name in ("profile", "target", "chain", "backbone", "method", "level")}
    fixed |= {"metric": given.metric, "column": column}
    seeds = sorted({run.seed for run in arm.runs})
    whole = [pooled([run for run in arm.runs if run.seed == seed]) for seed in seeds]
    lines, known = [], []
    for value in sorted(set(group) - {""}):
        chosen = set(group.index[group == value])
        masks = [np.isin(run.ids, list(chosen)) for run in whole]
        runs = [
            replace(run, y=run.y[mask], scores=run.scores[mask], groups=run.groups[mask], ids=run.ids[mask])
            for run, mask in zip(whole, masks)
            if mask.any()
        ]
        if not runs:
            continue
        patients = len(set(runs[0].groups))
        fewest = int(np.bincount(runs[0].y, minlength=runs[0].scores.shape[1]).min())
        line = {**fixed, "value": value, "n_images": len(set(runs[0].ids)), "n_patients": patients}
        small = patients < FEWEST or fewest < FEWEST_OF_CLASS
        line["note"] = f"too small: {patients} patients or images, {fewest} of the rarer class" if small else ""
        if fewest:
            sample = measured(given, arm, runs, [given.metric])[given.metric]
            low, high = sample.interval
            line |= {"mean": sample.mean, "ci_low": low, "ci_high": high}
            if not small:
                known.append((value, sample))
        lines.append(line)
    if len(known) > 1:
        (worst, lowest), (best, highest) = (pick(known, key=lambda pair: pair[1].mean) for pick in (min, max))
        gap, half = highest.mean - lowest.mean, statistics.half_width([*lowest.parts, *highest.parts])
        of = f"the largest of {len(known) * (len(known) - 1) // 2}" if len(known) > 2 else "of two groups"
        note = f"{best} less {worst}, {of}; groups that are too small are left out"
        lines.append({**fixed, "value": GAP, "mean": gap, "ci_low": gap - half, "ci_high": gap + half, "note": note})
    return lines


def sentences(found: pd.DataFrame) -> list[str]:
    """What the gaps say: how many lie surely above 0, for each target and column.

    Args:
        found: as `subgroups` returns it.
    """
    said = []
    gaps = found[found["value"] == GAP]
    for (target, column), part in found.groupby(["target", "column"], sort=False):
        own = gaps[(gaps["target"] == target) & (gaps["column"] == column)]
        small = sorted(part.loc[part["note"].str.startswith("too small"), "value"].unique())
        words = f"{target}, by {column}: "
        if len(own):
            sure = int((own["ci_low"] > 0).sum())
            span = f"{own['mean'].min():.3f} to {own['mean'].max():.3f}"
            words += f"in {sure} of {len(own)} rows the gap's interval lies above 0 (gaps of {span})"
        else:
            words += "no two groups are large enough for a gap"
        said.append(words + (f"; too small to say anything: {', '.join(small)}" if small else "") + ".")
    return said
