"""The rows of the table on explanations, for the networks of the first seed.

With a single fold there is one network of each chain, and the difference has an interval over patients but no p: it says
nothing about the chains. Chains are compared on the images on which both have a map.
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from indomain.artifacts import explanations
from report.caveats import interval_caveat
from report.comparison import Comparison, RowKey, TableRow, compare, reference_of
from report.given import ReportInput
from report.sample import Sample, Training, samples_of

# Maps that ignore the image, in words: the value of a measure that can be reached without any knowledge of it.
CONTROLS = {"anywhere": "a map that points anywhere", "middle": "a map that points at the middle"}
DIFFERENT = "other folds than the reference chain (a training diverged): compared with nothing"
APART = "no image has a value both here and for the reference chain: compared with nothing"
FIRST_SEED = "first seed only"


def explanation_rows(given: ReportInput) -> list[TableRow]:
    """One row per network or classifier, explanation and measure: the mean over images, with interval and test.

    Args:
        given: the input of the report, with the `measure` runs.
    """
    values = _values(given)
    rows = []
    for (measure, key), part in values.items():
        same_measure = {other: (other, frame) for (name, other), frame in values.items() if name == measure}
        reference = reference_of(key, same_measure, given.options["compare_with"])
        is_control = key.method.explanation not in given.explanations
        # Explaining the true class, all chains have the same findings, hence the same controls: one row is enough.
        if not (is_control and key.method.whose == "true" and reference is not None):
            rows.append(_row(given, key, measure, part, None if is_control else reference))
    return rows


def _values(given: ReportInput) -> dict[tuple[str, RowKey], pd.DataFrame]:
    """(measure, row) -> its values: id, group, value (NaN: a blank map), fold, seed."""
    frames: dict[tuple[str, RowKey], list[pd.DataFrame]] = {}
    for tags, folder in given.of_kind("explain/measure"):
        # Runs that diverged have no measures.
        if not (folder / explanations.MEASURES).is_file():
            continue
        table = explanations.read_measures(folder)
        plain = RowKey.of(tags)
        for (name, measure), part in table.groupby(["explanation", "measure"], sort=False):
            title = CONTROLS.get(name, name)
            key = replace(plain, method=replace(plain.method, explanation=title, whose=str(tags.explained)))
            part = part.assign(fold=tags.fold, seed=tags.seed)
            frames.setdefault((measure, key), []).append(part)
    return {key: pd.concat(parts, ignore_index=True) for key, parts in frames.items()}


def _row(
    given: ReportInput, key: RowKey, measure: str, part: pd.DataFrame, reference: tuple[RowKey, pd.DataFrame] | None
) -> TableRow:
    info, sample, shown = given.info(key), _sample(given, key, part), part.dropna(subset="value")
    notes, compared = [_blank_caveat(part), interval_caveat(sample)], None
    notes += [FIRST_SEED] * (len(given.seeds(key.profile)) > 1)
    if reference and measure in given.options["test_metrics"]:
        found = _compared(given, key, measure, part, *reference)
        if isinstance(found, str):
            notes.append(found)
        else:
            compared = found
    return TableRow(
        key=key,
        kind="explanation",
        metric=measure,
        data=info.data,
        sample=sample,
        mean=sample.mean,
        interval=sample.interval,
        n_images=shown["id"].nunique(),
        n_patients=shown["group"].nunique() if info.has_patients else float("nan"),
        comparison=compared,
        note="; ".join(filter(None, notes)),
    )


def _blank_caveat(part: pd.DataFrame) -> str:
    """The share of images without a value because their map is blank, in words; "" if there are none."""
    share = part["value"].isna().mean()
    return f"{100 * share:.3g} % of the images have a blank map, and no value" if share else ""


def _compared(
    given: ReportInput, key: RowKey, measure: str, part: pd.DataFrame, other: RowKey, reference: pd.DataFrame
) -> Comparison | str:
    """The comparison on the images that both have, or the reason why there is none."""
    if set(part["fold"]) != set(reference["fold"]):
        return DIFFERENT
    # Explaining the predicted class, each chain has a finding on other images; and some maps are blank.
    both = part.merge(reference, on=["id", "group", "fold", "seed"], suffixes=("", "_reference"))
    both = both.dropna(subset=["value", "value_reference"])
    if set(both["fold"]) != set(part["fold"]):
        return APART
    here, there = (_sample(given, key, both.assign(value=both[name])) for name in ("value", "value_reference"))
    return compare(given, key, "explanation", measure, here, other, there)


def _sample(given: ReportInput, key: RowKey, part: pd.DataFrame) -> Sample:
    # Patients whose maps are all blank say nothing; where all are, the row has no value.
    shown = part.dropna(subset="value") if part["value"].notna().any() else part
    trainings = [
        Training(int(fold), int(seed), rows["group"].to_numpy(), partial(_mean, rows["value"].to_numpy()))
        for (fold, seed), rows in shown.groupby(["fold", "seed"])
    ]
    return samples_of(given, key, trainings, [(0.0, 1.0)], is_random=True)[0]


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The mean of the values that are defined; NaN where there is none."""
    weights = weights * np.isfinite(values)
    with np.errstate(invalid="ignore"):
        return (weights @ np.nan_to_num(values) / weights.sum(axis=1))[None]
