"""What each chain gained over networks that learnt from no source before the target: chains × targets, as the survey asks.

A gain is the difference from the chain `random`, or `imagenet`, of the same network fitted in the same way, with the interval
that the table has. The intervals are of one gain each, and not corrected: of many, one in twenty excludes 0 by chance. Chains
that have learnt classes from the very set that a target is of are left out there: they are no answer to what to learn from.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from indomain.artifacts import source_head
from indomain.metrics import printed
from report.comparison import RowKey, TableRow
from report.given import ReportInput
from report.sample import difference

KEYS = ["over", "backbone", "method"]
COLUMNS = [*KEYS, "chain", "target", "gain", "gain_low", "gain_high", "n_runs"]
FEWEST_CHAINS, FEWEST_TARGETS = 3, 2  # below which there is nothing to lay out as a matrix


def gains(rows: Iterable[TableRow], given: ReportInput) -> pd.DataFrame:
    """One line per chain, target, network and beginning, under the strict profile with the largest label budget.

    Args:
        rows: the rows on predictions.
        given: the input of the report.

    Returns:
        `COLUMNS`, by the first metric; no lines of networks with fewer than three chains or two targets.
    """
    known = {row.key: row for row in rows if row.metric == given.metric and _is_shown(row, given)}
    beginnings = [name for name, words in given.recipe["chains"].items() if words in (["random"], ["imagenet"])]
    lines = []
    for key, row in known.items():
        for over in beginnings:
            there = known.get(replace(key, chain=over))
            if key.chain in beginnings or there is None or _knows_the_classes(given, key):
                continue
            found = difference(row.sample, there.sample)
            words = {"over": over, "backbone": key.backbone, "method": str(key.method)}
            low, high = found.interval
            runs = len(row.sample.values)
            lines.append(
                {
                    **words,
                    "chain": key.chain,
                    "target": key.target,
                    "gain": found.value,
                    "gain_low": low,
                    "gain_high": high,
                }
                | {"n_runs": runs}
            )
    table = pd.DataFrame(lines, columns=COLUMNS)
    counts = table.groupby(KEYS)[["chain", "target"]].transform("nunique")
    return table[(counts["chain"] >= FEWEST_CHAINS) & (counts["target"] >= FEWEST_TARGETS)].reset_index(drop=True)


def _knows_the_classes(given: ReportInput, key: RowKey) -> bool:
    """Whether a chain has read labels of the set that the row's target is of."""
    own = _names(given.recipe["targets"][key.target]["set"])
    for word in given.recipe["chains"].get(key.chain, [])[1:]:
        source, _, objective = word.partition(":")
        if objective in source_head.LEFT_BY and own & _names(given.recipe["sources"][source]["set"]):
            return True
    return False


def _names(sets: str | list[str]) -> set[str]:
    """The names of sets, without their subsets."""
    return {name.partition("/")[0].partition(":")[0] for name in ([sets] if isinstance(sets, str) else sets)}


def _is_shown(row: TableRow, given: ReportInput) -> bool:
    key: RowKey = row.key
    own_head = row.kind == "score" and bool(key.method.strategy) and not key.method.calibrated
    usual = key.profile == "strict" and key.budget == given.largest_budget(key.target)
    return own_head and usual and key.level == given.levels_of(key)[0][1]


def sentences(table: pd.DataFrame, given: ReportInput) -> list[str]:
    """What the gains say, one sentence for each beginning, network and way of fitting.

    Args:
        table: as `gains` returns it.
        given: the input of the report.
    """
    said = []
    for (over, backbone, method), part in table.groupby(KEYS, sort=False):
        above, below = int((part["gain_low"] > 0).sum()), int((part["gain_high"] < 0).sum())
        most, least = part.loc[part["gain"].idxmax()], part.loc[part["gain"].idxmin()]
        said.append(
            f"{backbone}, {method}, over {over}: of {len(part)} gains in {printed(given.metric)} ({part['chain'].nunique()} "
            f"chains, {part['target'].nunique()} targets) {above} have an interval above 0 and {below} one below it, where "
            f"{0.025 * len(part):.2g} each are to be expected of gains that are none; their mean is "
            f"{_signed(part['gain'].mean())}, the largest {_worded(most)}, the smallest {_worded(least)}."
        )
    return said


def _worded(line: pd.Series) -> str:
    low, high = _signed(line["gain_low"]), _signed(line["gain_high"])
    return f"{_signed(line['gain'])} [{low}, {high}] ({line['chain']} for {line['target']})"


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
