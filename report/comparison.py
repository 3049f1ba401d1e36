"""Rows of the table, and how one is compared with the reference chain's."""

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
    """The coordinates of a row."""

    profile: str
    target: str
    budget: str
    backbone: str
    method: Method
    chain: str
    level: str = "image"

    @classmethod
    def of(cls, tags: Tags, level: str = "image") -> "RowKey":
        """The row that a run belongs to: all its folds and seeds."""
        assert tags.method
        named = {name: str(getattr(tags, name)) for name in ("profile", "target", "budget", "backbone", "chain")}
        return cls(**named, method=tags.method, level=level)

    def words(self) -> dict[str, str]:
        """As the table prints it."""
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}

    def matches(self, named: Mapping[str, Any]) -> bool:
        """Whether all words given are its own; an empty one matches any."""
        words = self.words()
        return all(words[name] == value for name, value in named.items() if name in words and value)


@dataclass(frozen=True)
class Comparison:
    """A row's difference from the reference chain's.

    Attributes:
        chain: the reference.
        difference: of the means.
        p: two-sided, not corrected.
        test: its name.
    """

    chain: str
    difference: float
    p: float
    test: str


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes:
        key: its coordinates.
        kind: "score" for metrics of predictions, "explanation" for measures of maps, "robustness" for corrupted images.
        metric: as it is printed.
        data: "synthetic", "stand-in" or "real".
        mean: over runs, or over images.
        interval: 95 %, (low, high).
        n_runs: number of runs, or of folds.
        n_images: different test images.
        n_patients: different patients; NaN where there are none.
        sd_runs: standard deviation over runs; NaN for fewer than two.
        comparison: with the reference chain, if it is compared.
        reported: a published number that is listed next to it, its source, and whether data and split are the paper's own.
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
        """Column -> value of the table, without what needs all its rows."""
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
    """The reference chain's entry for a row; "random" stands in where a backbone has no such chain.

    Args:
        key: the row's.
        known: entries by their rows.
        compare_with: the reference chain.
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
    """Compares with the reference chain: corrected resampled t-test over folds, or a paired bootstrap over patients.

    Args:
        chain: the reference.
        difference: of the means.
        by_fold: the difference in each fold, averaged over its seeds, NaN left out.
        test_share: test images per training image.
        drawn: (samples,), the difference in each bootstrap sample of patients.
        units: number of patients, or of images where there are none.
    """
    if len(by_fold) > 1:
        p = statistics.corrected_resampled_t(by_fold.to_numpy(), test_share)
        return Comparison(chain, difference, p, "corrected resampled t")
    return Comparison(chain, difference, statistics.bootstrap_p(drawn, units), "paired bootstrap over patients")
