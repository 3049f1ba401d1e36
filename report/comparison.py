"""Rows of the table, what a row is compared with, and what may be concluded from it.

Where a recipe has a baseline, the reference of all rows of a target is the best of its ImageNet rows, by the first metric on
the validation images: among the recipe's own, frozen networks, and these fused. A chain that beats only a weak ImageNet row
has shown nothing. The difference from ImageNet with the same network and method stands beside it, as exploration. Where there
is no baseline, or the recipe names a chain in `compare_with`, that difference is the comparison. An adaptation is compared with
the same network and classifier without it, synthetic images with the training images oversampled for as many steps.

Where a recipe compares strategies, it names one of them in `control`: the others' differences from that, in the same chain and
network, stand beside instead, as exploration too.

Comparisons are grouped into families, and the p values of each are corrected together. The primary family is declared
before anything is run: the chains against the reference by the first metric, at the first level, under the strict profile,
with the largest label budget, by the networks' own heads. Everything else is exploration.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from indomain.runs.tags import OVERSAMPLED, SOURCE_ONLY, Method, Tags
from report.given import ReportInput
from report.sample import Difference, Sample, difference

Found = TypeVar("Found")
PRIMARY = "primary"
ONE_TRAINING = "one training"
CLASSIC = "classic"  # the training without oversampling and synthetic images, as it is named where it is a reference
ONE_PRETRAINING = "given this one pretraining"
# Metrics and measures of which less is better.
LESS_IS_BETTER = ("brier", "calibration_error", "deletion", "randomisation")


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
    """The difference between a row and its reference.

    Attributes:
        reference: the reference, as printed: a chain, or the words of a row.
        difference: the row minus the reference.
        family: name of the family of comparisons that it belongs to.
    """

    reference: str
    difference: Difference
    family: str


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    Attributes:
        key: the coordinates of the row.
        kind: "score" for metrics of predictions, "explanation" for measures of maps, "robustness" for corrupted images.
        metric: name of the metric, as printed.
        data: "synthetic", "stand-in" or "real".
        sample: the metric of all trainings.
        n_images: number of distinct test images.
        n_patients: number of distinct patients; NaN where patients are unknown.
        n_runs: number of runs, where it is not that of the sample's trainings; 0 otherwise.
        interval: (low, high) of the 95 % interval, where it is not the sample's.
        mean: the value, where it is not the sample's mean.
        comparison: the comparison with the reference, if there is one.
        same_network: the comparison with the reference chain of the same network and method, where the reference is another
            row, or with the control strategy of the same network and chain.
        reported: a published number to list next to the row, its source, and whether data and split are the paper's.
        note: what a reader must know.
    """

    key: RowKey
    kind: str
    metric: str
    data: str
    sample: Sample
    n_images: int
    n_patients: float
    interval: tuple[float, float]
    mean: float
    n_runs: int = 0
    comparison: Comparison | None = None
    same_network: Comparison | None = None
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
            "interval_holds": self.sample.held,
            "sd_runs": self.sample.sd,
            "n_runs": self.n_runs or len(self.sample.values),
            "n_images": self.n_images,
            "n_patients": self.n_patients,
            "note": self.note or None,
        }
        if compared:
            found = compared.difference
            cells |= {
                "difference": found.value,
                "difference_low": found.interval[0],
                "difference_high": found.interval[1],
                "p_uncorrected": found.p,
                "test": found.test or None,
                "compared_with": compared.reference,
                "family": compared.family,
                "detectable": found.detectable,
            }
        if self.same_network:
            found = self.same_network.difference
            cells |= {
                "same_network_difference": found.value,
                "same_network_low": found.interval[0],
                "same_network_high": found.interval[1],
                "same_network_with": self.same_network.reference,
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


def control_of(key: RowKey, known: Mapping[RowKey, Found]) -> Found | None:
    """The entry of the same network under the control of its experiment; None for the control itself.

    An adaptation is compared with no adaptation; synthetic images with oversampling, and this with the classic training.

    Args:
        key: the coordinates of a row of an adaptation or of a mixture.
        known: coordinates -> entry, of all rows.
    """
    control = _control(key.method)
    return known.get(replace(key, method=control)) if control else None


def _control(method: Method) -> Method | None:
    if method.adaptation:
        is_control = method.adaptation == SOURCE_ONLY
        return None if is_control else replace(method, adaptation=SOURCE_ONLY, tuned=False)
    return replace(method, mixture="" if method.mixture == OVERSAMPLED else OVERSAMPLED) if method.mixture else None


def compare(
    given: ReportInput,
    key: RowKey,
    kind: str,
    metric: str,
    here: Sample,
    other: RowKey,
    there: Sample,
    is_best: bool = False,
) -> Comparison:
    """Compares a row with another.

    Args:
        given: the input of the report.
        key: the coordinates of the row.
        kind: the kind of the row; see `TableRow`.
        metric: name of the metric, as printed.
        here: the row's metric.
        other: the coordinates of the reference.
        there: the reference's metric.
        is_best: whether the reference is the best ImageNet row, whose network and method are named, too.
    """
    one_pretraining = any(given.shares_pretraining(name, key.profile) for name in (key.chain, other.chain))
    if here.is_one_training or there.is_one_training:
        family = ONE_TRAINING
    else:
        family = _family(given, key, kind, metric) or (ONE_PRETRAINING if one_pretraining else PRIMARY)
    reference = f"{other.chain}, {other.backbone}, {other.method}" if is_best else other.chain
    control = _control(key.method)
    reference = (control.adaptation or control.mixture or CLASSIC) if control else reference
    return Comparison(reference, difference(here, there), family)


def _family(given: ReportInput, key: RowKey, kind: str, metric: str) -> str:
    """The family of exploratory comparisons that a row belongs to; "" if none."""
    if kind != "score":
        return "explanations" if kind == "explanation" else kind
    exploratory = {
        "paper profile": key.profile != "strict",
        "another set": bool(given.external_of(key)),
        "other metrics": metric != given.metric,
        "calibrated scores": key.method.calibrated,
        "other label budgets": key.budget != given.largest_budget(key.target),
        "other levels": key.level != given.levels_of(key)[0][1],
        "adaptation": bool(key.method.adaptation),
        "synthesis": bool(key.method.mixture),
        "features and fusion": not key.method.strategy,
    }
    return next((family for family, applies in exploratory.items() if applies), "")


def p_text(p: float) -> str:
    """A p value as it is printed, never as 0; "" if it is NaN.

    Args:
        p: 0 … 1.
    """
    return "" if p != p else "< 0.001" if p < 0.0005 else f"{p:.3f}"


def verdict(metric: str, low: float, high: float, difference: float, p: float, margin: float) -> str:
    """What may be concluded from a difference.

    Args:
        metric: name of the metric, as printed.
        low: lower end of the 95 % interval of the difference.
        high: its upper end.
        difference: the row minus the reference.
        p: its p value, corrected for the comparisons of its family; NaN if unknown.
        margin: differences up to this one do not matter, above 0.

    Returns:
        "equal" if the interval lies within the margin on both sides; else "better" or "worse" if p is at most 0.05; else
        "cannot tell", or "" where nothing is claimed.
    """
    if p != p:
        return ""
    if -margin <= low and high <= margin:
        return "equal"
    if p > 0.05:
        return "cannot tell"
    return "better" if (difference > 0) != less_is_better(metric) else "worse"


def less_is_better(metric: str) -> bool:
    """Whether small values of a metric or measure are good ones.

    Args:
        metric: its name, as printed.
    """
    return re.split("[ ,]", metric)[0] in LESS_IS_BETTER
