"""The rows of the table on explanations, for the networks of the first seed.

A row is compared with the reference chain's only where both have the same images in the same folds: with several folds by
the corrected resampled t-test, with one by a paired bootstrap over patients.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from indomain.artifacts import explanations
from indomain.artifacts.record import read_record
from report import statistics
from report.caveats import interval_caveat
from report.comparison import Comparison, RowKey, TableRow, compare, reference_of
from report.given import ReportInput

# Maps that ignore the image, in words: the value of a measure that can be reached without any knowledge of it.
CONTROLS = {"anywhere": "a map that points anywhere", "middle": "a map that points at the middle"}
DIFFERENT = "other images or folds than the reference chain (a training diverged): compared with nothing"
APART = "no image has a finding of the predicted class both here and for the reference chain: compared with nothing"
BLANK = "no image has a map both here and for the reference chain: compared with nothing"


def explanation_rows(given: ReportInput) -> list[TableRow]:
    """One row per network or classifier, explanation and measure: the mean over images, with interval and test.

    Args:
        given: the input of the report, with the `measure` runs.
    """
    values = _values(given)
    rows = []
    for (measure, key), part in values.items():
        same_measure = {other: frame for (name, other), frame in values.items() if name == measure}
        reference = reference_of(key, same_measure, given.options["compare_with"])
        is_control = key.method.explanation not in given.explanations
        # Explaining the true class, all chains have the same findings, hence the same controls: one row is enough.
        if not (is_control and key.method.whose == "true" and reference is not None):
            rows.append(_row(given, key, measure, part, None if is_control else reference))
    return rows


def _values(given: ReportInput) -> dict[tuple[str, RowKey], pd.DataFrame]:
    """(measure, row) -> its values: id, group, value (NaN: a blank map), fold, chain, and `learnt`, the training images."""
    frames: dict[tuple[str, RowKey], list[pd.DataFrame]] = {}
    for tags, folder in given.of_kind("explain/measure"):
        # Runs that diverged have no measures.
        if not (folder / explanations.MEASURES).is_file():
            continue
        table = explanations.read_measures(folder)
        learnt = read_record(folder).facts["learnt"]
        plain = RowKey.of(tags)
        for (name, measure), part in table.groupby(["explanation", "measure"], sort=False):
            title = CONTROLS.get(name, name)
            key = replace(plain, method=replace(plain.method, explanation=title, whose=str(tags.explained)))
            part = part.assign(fold=tags.fold, learnt=learnt, chain=tags.chain)
            frames.setdefault((measure, key), []).append(part)
    return {key: pd.concat(parts, ignore_index=True) for key, parts in frames.items()}


def _row(given: ReportInput, key: RowKey, measure: str, part: pd.DataFrame, reference: pd.DataFrame | None) -> TableRow:
    info = given.info(key)
    shown = part.dropna(subset="value")
    interval = statistics.percentile_interval(_means(given, shown)) if len(shown) else (float("nan"), float("nan"))
    why_not, compared = "", None
    if reference is not None and measure in given.options["test_metrics"]:
        compared, why_not = _compared(given, key, part, reference)
    notes = [_blank_caveat(part), why_not or interval_caveat(interval)]
    if key.profile == "strict" and len(given.recipe["seeds"]) > 1:
        notes.append("first seed only")
    return TableRow(
        key=key,
        kind="explanation",
        metric=measure,
        data=info.data,
        mean=shown["value"].mean(),
        interval=interval,
        n_runs=part["fold"].nunique(),
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
    given: ReportInput, key: RowKey, part: pd.DataFrame, reference: pd.DataFrame
) -> tuple[Comparison | None, str]:
    """The comparison on the images that have a value in both, or None and why there is none."""
    # When the predicted class is explained, each chain has a finding on different images: the common ones are compared.
    both = part.merge(reference, on=["id", "group", "fold"], suffixes=("", "_reference"))
    if key.method.whose != "predicted" and not len(both) == len(part) == len(reference):
        return None, DIFFERENT
    if not len(both):
        return None, APART
    both = both.dropna(subset=["value", "value_reference"])
    if not len(both):
        return None, BLANK
    both["value"] -= both["value_reference"]
    share = float((part.groupby("fold")["id"].nunique() / part.groupby("fold")["learnt"].first()).mean())
    chain = str(reference["chain"].iloc[0])
    by_fold = both.groupby("fold")["value"].mean()
    units = both["group"].nunique()
    return compare(chain, both["value"].mean(), by_fold, share, _means(given, both), units), ""


def _means(given: ReportInput, part: pd.DataFrame) -> np.ndarray:
    """The mean value in each bootstrap sample of patients."""
    options = given.options
    weights = statistics.bootstrap_weights(part["group"].to_numpy(), options["samples"], options["seed"])
    total = weights.sum(axis=1)
    return np.where(total > 0, weights @ part["value"].to_numpy() / np.maximum(total, 1), np.nan)
