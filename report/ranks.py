"""Ranks that hold (Maier-Hein et al. 2018, Nat Commun 9:5217; Wiesenfarth et al. 2021, Sci Rep 11:2369).

Which row is first depends on the patients, the folds and the seeds that happened to be drawn, on the metric, and on the target.
So they are drawn anew, many times, with the parts of the error that the intervals of the table have, and the ranks are
counted. Nothing is called best that is not first in most of the draws.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from indomain.recipe.recipe import BASELINE
from report import bootstrap, statistics
from report.comparison import RowKey, TableRow, less_is_better
from report.given import ReportInput

DRAWS = 10_000
# Of two rows that do not differ, either is first in 97.5 % of the draws once in forty times: one of them once in twenty times.
SURELY = 0.975
FEWEST_TARGETS = 6  # with fewer, no pattern of signs over the targets is rarer than 1 in 20
LEFT_OUT = ("calibration_error",)  # pooled over the folds, and its square is what varies
RANK_COLUMNS = [
    *("profile", "target", "budget", "level", "metric", "chain", "backbone", "method"),
    *("mean", "rank", "rank_low", "rank_high", "first", "rows", "targets"),
]


@dataclass(frozen=True)
class Ranking:
    """The rows of one target, or of several, under one metric.

    Attributes:
        profile: the profile.
        target: the target, or "all targets".
        budget: the label budget; "" for several targets.
        level: the unit of counting.
        metric: the metric.
        rows: (chain, backbone, method) of each row, in the order of the table.
        means: (rows,), the metric, or the mean rank over the targets.
        ranks: (draws, rows), the rank of each row in each draw, from 1.
        targets: number of targets.
    """

    profile: str
    target: str
    budget: str
    level: str
    metric: str
    rows: list[tuple[str, str, str]]
    means: np.ndarray
    ranks: np.ndarray
    targets: int = 1

    @property
    def rank(self) -> np.ndarray:
        """(rows,), the rank of each row by its mean; equal means share the better rank."""
        sign = 1 if self.targets > 1 or less_is_better(self.metric) else -1
        return _ranked(sign * self.means[None])[0]

    @property
    def shares(self) -> np.ndarray:
        """(rows, ranks): in what share of the draws each row has each rank."""
        count = len(self.rows)
        return np.stack([(self.ranks == rank).mean(axis=0) for rank in range(1, count + 1)], axis=1)

    @property
    def best(self) -> tuple[str, str, str] | None:
        """The row that is surely first, if there is one."""
        first = self.shares[:, 0]
        return self.rows[int(first.argmax())] if first.max() >= SURELY else None

    def table(self) -> pd.DataFrame:
        """One line per row: its mean and rank, where the middle 95 % of its ranks lie, how often it is first."""
        low, high = np.quantile(self.ranks, [0.025, 0.975], axis=0, method="closest_observation")
        names = ["profile", "target", "budget", "level", "metric"]
        lines = pd.DataFrame(self.rows, columns=["chain", "backbone", "method"])
        lines = lines.assign(**{name: getattr(self, name) for name in names}, mean=self.means, rank=self.rank)
        lines = lines.assign(rank_low=low.astype(int), rank_high=high.astype(int), first=self.shares[:, 0])
        return lines.assign(rows=len(self.rows), targets=self.targets)[RANK_COLUMNS].sort_values("rank", kind="stable")


def rankings(rows: Iterable[TableRow], given: ReportInput) -> list[Ranking]:
    """The rankings of each target, budget and level, and those over the targets, under every metric.

    Networks' own heads and the baseline are ranked; rows that may not be compared with others, of one training or of an unknown
    variance are left out.

    Args:
        rows: the rows on predictions.
        given: the input of the report.
    """
    groups: dict[tuple[str, str, str, str], dict[str, dict[RowKey, TableRow]]] = {}
    for row in rows:
        if _is_ranked(row):
            where = (row.key.profile, row.key.target, row.key.budget, row.key.level)
            groups.setdefault(where, {}).setdefault(row.metric, {})[row.key] = row
    found = []
    for where, by_metric in groups.items():
        for metric, known in by_metric.items():
            if len(known) > 1:
                samples = [row.sample for row in known.values()]
                drawn = bootstrap.draws(samples, DRAWS)
                names = [(key.chain, key.backbone, str(key.method)) for key in known]
                sign = 1 if less_is_better(metric) else -1
                means = np.array([sample.mean for sample in samples])
                found.append(Ranking(*where, metric, names, means, _ranked(sign * drawn)))
    return [*found, *_over_targets(found, given)]


def _is_ranked(row: TableRow) -> bool:
    """Whether a row is a network's own head or the baseline, with a variance that is known."""
    method, sample = row.key.method, row.sample
    own = not method.calibrated and bool(method.strategy or row.key.chain == BASELINE)
    known = all(np.isfinite(part.variance) for part in sample.parts) and np.isfinite(sample.mean)
    # One training says nothing about the chain, and so nothing about its rank.
    comparable = "compared with nothing" not in row.note and not sample.is_one_training
    return row.kind == "score" and own and bool(known) and comparable and row.metric not in LEFT_OUT


def _targets(given: ReportInput) -> list[str]:
    """The targets that count when targets are counted: the first of each set, and none with a marker."""
    options = given.recipe["targets"]
    # Nor does a target count twice that is tested elsewhere, too.
    plain = [name for name in options if not options[name].get("confounder") and not options[name].get("external_of")]
    # A target of several sets is another one than each of them.
    return list({str(options[name]["set"]): name for name in reversed(plain)}.values())


def _ranked(values: np.ndarray) -> np.ndarray:
    """Ranks (draws, rows) from 1, the least value first; equal values share the better rank."""
    return (values[:, None, :] < values[:, :, None]).sum(axis=2) + 1


def _over_targets(found: list[Ranking], given: ReportInput) -> list[Ranking]:
    """Mean ranks over the targets, at the largest budget of each, of the rows that all of them have.

    From `FEWEST_TARGETS` on the targets are drawn anew, too: what is first is then first on such targets. Fewer are taken as they
    are, since two targets on which a row wins would make it surely best.
    """
    rng, joined, targets = np.random.default_rng(1), [], _targets(given)
    largest = [one for one in found if one.budget == given.largest_budget(one.target) and one.target in targets]
    for profile, level, metric in dict.fromkeys((one.profile, one.level, one.metric) for one in largest):
        some = [one for one in largest if (one.profile, one.level, one.metric) == (profile, level, metric)]
        common = [row for row in some[0].rows if all(row in one.rows for one in some)]
        if len(some) < 2 or len(common) < 2:
            continue
        # Among the common rows, in every draw and target: (targets, draws, rows).
        ranks = np.stack([_ranked(one.ranks[:, [one.rows.index(row) for row in common]]) for one in some])
        means = np.stack([_ranked(one.rank[None, [one.rows.index(row) for row in common]])[0] for one in some])
        count = ranks.shape[1]
        chosen = np.tile(np.arange(len(some))[:, None], count)
        if len(some) >= FEWEST_TARGETS:
            chosen = rng.integers(len(some), size=(len(some), count))
        drawn = ranks[chosen, np.arange(count)].mean(axis=0)
        joined.append(
            Ranking(
                profile, "all targets", "", level, metric, common, means.mean(axis=0), _ranked(drawn), targets=len(some)
            )
        )
    return joined


def agreement(found: list[Ranking]) -> pd.DataFrame:
    """How far metrics agree on the order: Kendall's τ of each pair, with the middle 95 % of its values over the draws.

    Args:
        found: as `rankings` returns them.
    """
    lines = []
    for first, second in combinations(found, 2):
        same = ("profile", "target", "budget", "level", "rows")
        if all(getattr(first, name) == getattr(second, name) for name in same) and len(first.rows) > 2:
            tau = _tau(first.rank[None], second.rank[None])[0]
            low, high = np.quantile(_tau(first.ranks[:1000], second.ranks[:1000]), [0.025, 0.975])
            where = {name: getattr(first, name) for name in ("profile", "target", "budget", "level")}
            lines.append(
                {**where, "metric": first.metric, "other": second.metric, "tau": tau, "tau_low": low, "tau_high": high}
                | {"rows": len(first.rows)}
            )
    return pd.DataFrame(lines)


def _tau(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Kendall's τ-b of ranks (draws, rows), draw by draw."""
    pairs = np.triu_indices(first.shape[1], 1)
    signs = [np.sign(ranks[:, pairs[0]] - ranks[:, pairs[1]]) for ranks in (first, second)]
    untied = np.sqrt((signs[0] != 0).sum(axis=1) * (signs[1] != 0).sum(axis=1))
    return (signs[0] * signs[1]).sum(axis=1) / np.maximum(untied, 1)


def pairs_over_targets(rows: Iterable[TableRow], given: ReportInput) -> pd.DataFrame:
    """Wilcoxon's signed-rank test of each pair of rows over the targets, by the first metric, corrected by Holm's method.

    Unlike Nemenyi's test after Friedman's, what it says of a pair does not depend on the other rows (Benavoli et al. 2016, JMLR
    17(5)). Empty with fewer than six targets, where no order of signs is rare.

    Args:
        rows: the rows on predictions.
        given: the input of the report.
    """
    from scipy.stats import wilcoxon

    counted = _targets(given)
    values: dict[tuple[str, str], dict[tuple[str, str, str], dict[str, float]]] = {}
    for row in rows:
        is_largest = row.key.budget == given.largest_budget(row.key.target)
        if row.key.target in counted and is_largest and row.metric == given.metric and _is_ranked(row):
            name = (row.key.chain, row.key.backbone, str(row.key.method))
            by_target = values.setdefault((row.key.profile, row.key.level), {}).setdefault(name, {})
            by_target[row.key.target] = row.sample.mean
    lines = []
    for (profile, level), by_name in values.items():
        targets = sorted(set.union(*(set(known) for known in by_name.values())))
        complete = [name for name, known in by_name.items() if len(known) == len(targets)]
        if len(targets) < FEWEST_TARGETS:
            continue
        for first, second in combinations(complete, 2):
            difference = np.array([by_name[first][target] - by_name[second][target] for target in targets])
            p = float(wilcoxon(difference).pvalue) if difference.any() else 1.0
            words = ("chain", "backbone", "method")
            named = dict(zip(words, first)) | {f"{word}_other": part for word, part in zip(words, second)}
            lines.append(
                {"profile": profile, "level": level, "metric": given.metric, **named}
                | {"difference": difference.mean(), "targets": len(targets), "p_uncorrected": p}
            )
    table = pd.DataFrame(lines)
    for _, part in table.groupby(["profile", "level"]) if len(table) else []:
        table.loc[part.index, "p_value"] = statistics.holm(part["p_uncorrected"].to_numpy(float))
    return table


def tables(found: list[Ranking], rows: Iterable[TableRow], given: ReportInput) -> dict[str, pd.DataFrame]:
    """File name -> table, of those that have lines: the ranks, the agreement of metrics, the tests over targets.

    Args:
        found: as `rankings` returns them.
        rows: the rows on predictions.
        given: the input of the report.
    """
    ranks = pd.concat([one.table() for one in found], ignore_index=True) if found else pd.DataFrame()
    named = {
        "ranks.csv": ranks,
        "rank_agreement.csv": agreement(found),
        "rank_pairs.csv": pairs_over_targets(rows, given),
    }
    return {name: table for name, table in named.items() if len(table)}


def sentences(found: list[Ranking], given: ReportInput) -> list[str]:
    """What the ranks allow to say, one sentence for each target at its largest budget, by the first metric.

    Args:
        found: as `rankings` returns them.
        given: the input of the report.
    """
    said = []
    for one in found:
        largest = one.targets > 1 or one.budget == given.largest_budget(one.target)
        # Of several units of counting the first, as in the figures.
        first = one.level == next(other.level for other in found if other.target == one.target)
        if one.metric != given.metric or not largest or not first:
            continue
        share = one.shares[:, 0]
        often = int(share.argmax())
        named = _named(one.rows[often])
        where = one.target if one.targets == 1 else f"all {one.targets} targets, as they are"
        where = f"all {one.targets} targets" if one.targets >= FEWEST_TARGETS else where
        where += f" ({one.profile})" if len({other.profile for other in found}) > 1 else ""
        if one.best:
            said.append(f"{where}: {named} is first of {len(one.rows)} in {share[often]:.1%} of the draws.")
        else:
            said.append(
                f"{where}: none of the {len(one.rows)} rows is surely best; {named} is first most often, in "
                f"{share[often]:.0%} of the draws."
            )
    return said


def _named(row: tuple[str, str, str]) -> str:
    return f"{row[0]} ({row[1]}, {row[2]})"
