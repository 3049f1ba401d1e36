"""Rows of the table, and how a row is compared with the reference chain's."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from indomain.runs.tags import Method, Tags
from report import statistics

Found = TypeVar("Found")
NAN = float("nan")


@dataclass(frozen=True)
class RowKey:
    """The coordinates of a row of the table."""

    profile: str
    target: str
    budget: str
    backbone: str
    method: Method
    chain: str
    level: str = "image"

    @classmethod
    def of(cls, tags: Tags, level: str = "image") -> "RowKey":
        """The row that a run belongs to, together with the runs of other folds and seeds.

        Args:
            tags: the run's.
            level: the unit of counting, by its name in the table.
        """
        assert tags.method
        coordinates = {name: str(getattr(tags, name)) for name in ("profile", "target", "budget", "backbone", "chain")}
        return cls(**coordinates, method=tags.method, level=level)

    def words(self) -> dict[str, str]:
        """Column -> its text in the table."""
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}

    def matches(self, named: Mapping[str, Any]) -> bool:
        """Whether the row has all of these coordinates.

        Args:
            named: column -> text; an empty text matches any row, and other keys are ignored.
        """
        words = self.words()
        return all(words[name] == value for name, value in named.items() if name in words and value)


@dataclass(frozen=True)
class Comparison:
    """The difference between a row and that of the reference chain.

    Attributes:
        chain: the reference chain.
        difference: the row's mean minus the reference's.
        p: two-sided p value, not corrected for multiple comparisons.
        test: name of the test.
    """

    chain: str
    difference: float
    p: float
    test: str


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes:
        key: the coordinates of the row.
        kind: "score" for metrics of predictions, "explanation" for measures of maps, "robustness" for corrupted images.
        metric: name of the metric, as printed.
        data: "synthetic", "stand-in" or "real".
        mean: the mean over runs, or over images.
        interval: (low, high) of the 95 % interval.
        n_runs: number of runs, or of folds.
        n_images: number of distinct test images.
        n_patients: number of distinct patients; NaN where patients are unknown.
        sd_runs: standard deviation over runs; NaN for fewer than two.
        comparison: the comparison with the reference chain, if there is one.
        reported: a published number to list next to the row, its source, and whether data and split are the paper's.
        note: what a reader must know.
    """

    key: RowKey
    kind: str
    metric: str
    data: str
    mean: float
    interval: tuple[float, float]
    n_runs: int
    n_images: int
    n_patients: float
    sd_runs: float = NAN
    comparison: Comparison | None = None
    reported: Mapping[str, Any] | None = None
    note: str = ""

    def cells(self) -> dict[str, Any]:
        """Column -> value, except for the columns that depend on all rows."""
        compared = self.comparison
        cells = {
            **self.key.words(),
            "kind": self.kind,
            "metric": self.metric,
            "data": self.data,
            "mean": self.mean,
            "ci_low": self.interval[0],
            "ci_high": self.interval[1],
            "sd_runs": self.sd_runs,
            "n_runs": self.n_runs,
            "n_images": self.n_images,
            "n_patients": self.n_patients,
            "note": self.note or None,
        }
        if compared:
            cells |= {
                "difference": compared.difference,
                "p_uncorrected": compared.p,
                "test": compared.test,
                "compared_with": compared.chain,
            }
        if self.reported:
            cells |= {"reported": self.reported["value"], "reported_source": self.reported["source"]}
            cells |= {"minus_reported": self.mean - self.reported["value"]} if self.reported["same"] else {}
        return cells


def reference_of(key: RowKey, known: Mapping[RowKey, Found], compare_with: str) -> Found | None:
    """The reference chain's entry for a row; where a backbone has no such chain, "random" is the reference.

    Args:
        key: the coordinates of the row.
        known: coordinates -> entry, of all rows.
        compare_with: name of the reference chain.

    Returns:
        None for the reference itself, and where there is no reference.
    """
    for chain in dict.fromkeys((compare_with, "random")):
        if key.chain == chain:
            return None
        other = replace(key, chain=chain)
        if other in known:
            return known[other]
    return None


def compare(
    chain: str, difference: float, by_fold: pd.Series, test_share: float, drawn: np.ndarray, units: int
) -> Comparison:
    """Compares a row with the reference chain's.

    With several folds by a corrected resampled t-test, with one by a paired bootstrap over patients.

    Args:
        chain: the reference chain.
        difference: the row's mean minus the reference's.
        by_fold: the difference in each fold, averaged over its seeds, without NaN.
        test_share: test images per training image.
        drawn: (samples,), the difference in each bootstrap sample of patients.
        units: number of patients, or of images where patients are unknown.
    """
    if len(by_fold) > 1:
        p = statistics.corrected_resampled_t(by_fold.to_numpy(), test_share)
        return Comparison(chain, difference, p, "corrected resampled t")
    return Comparison(chain, difference, statistics.bootstrap_p(drawn, units), "paired bootstrap over patients")
