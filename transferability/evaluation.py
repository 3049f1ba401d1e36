"""Evaluation: scores of sources, one per source and target, against the gains that training from them gave.

Sources are compared within a target only, never across targets. A score is worth something if it does better than rankings
that look at no image: the mean rank of a source on the other targets, its size, ImageNet always, chance.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, pearsonr, weightedtau

FEWEST = 20  # sources below which nothing is claimed about a single target
DRAWS = 1000


@dataclass(frozen=True)
class Judgement:
    """How well a score ranked sources.

    Attributes:
        tau: weighted Kendall τ within targets, the mean over them; 1 is the right order, 0 none.
        low: lower end of its 95 % interval, of a bootstrap over sources and targets.
        high: upper end.
        kendall: plain Kendall τ, likewise.
        pearson: correlation with the gains, likewise.
        regret: best gain of all sources, scored or not, minus that of the source with the best score (of several: their mean),
            the mean over targets.
        worst_regret: the greatest of them.
        in_top: share of targets whose best source is among the `top` by score, however ties are broken.
        per_target: target -> weighted τ.
        sources: the number of sources, the median over targets.
    """

    tau: float
    low: float
    high: float
    kendall: float
    pearson: float
    regret: float
    worst_regret: float
    in_top: float
    per_target: dict[str, float]
    sources: int

    @property
    def speaks_of_single_targets(self) -> bool:
        """Whether there are enough sources for a τ of one target to mean anything."""
        return self.sources >= FEWEST


def static_ranks(gains: pd.DataFrame) -> pd.DataFrame:
    """The baseline that looks at no image: minus the mean rank of each source on the other targets.

    Args:
        gains: sources × targets; NaN where a source is the target's own.
    """
    ranks = gains.rank(ascending=False)
    return pd.DataFrame({name: -ranks.drop(columns=name).mean(axis=1) for name in gains.columns})


def judged(scores: pd.DataFrame, gains: pd.DataFrame, top: int = 3, draws: int = DRAWS, seed: int = 0) -> Judgement:
    """Compares scores with gains, within each target.

    Args:
        scores: sources × targets, greater is better.
        gains: sources × targets, what training gave; NaN where a source is the target's own.
        top: how many sources by score count for `in_top`.
        draws: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: there is no target with three sources that have both.
    """
    pairs = {name: _known(scores[name], gains[name]) for name in gains.columns if name in scores.columns}
    pairs = {name: pair for name, pair in pairs.items() if len(pair) >= 3}
    if not pairs:
        raise ValueError("no target has three sources with a score and a gain")
    tau = {name: _weighted(pair) for name, pair in pairs.items()}
    # Against the best of all sources, those without a score among them: a score that cannot see the best one loses by it.
    regrets = [gains[name].max() - _gain_of_best(pair) for name, pair in pairs.items()]
    hits = [_has_at_the_top(pair, gains[name].idxmax(), top) for name, pair in pairs.items()]
    low, high = _bootstrap(pairs, draws, seed)
    return Judgement(
        tau=_mean(tau.values()),
        low=low,
        high=high,
        kendall=_mean(kendalltau(pair["score"], pair["gain"]).statistic for pair in pairs.values()),
        pearson=_mean(_pearson(pair) for pair in pairs.values()),
        regret=float(np.mean(regrets)),
        worst_regret=float(np.max(regrets)),
        in_top=float(np.mean(hits)),
        per_target=tau,
        sources=int(np.median([len(pair) for pair in pairs.values()])),
    )


def regret_of(choose: Callable[[pd.Series], float], gains: pd.DataFrame) -> float:
    """The mean regret of a rule that looks at no score.

    Args:
        choose: from the gains of one target's sources to what the rule gets, such as their mean for a random source.
        gains: sources × targets.
    """
    known = [gains[name].dropna() for name in gains.columns]
    return float(np.mean([values.max() - choose(values) for values in known]))


def null_band(sources: int, draws: int = 10_000, seed: int = 0) -> float:
    """The half-width of the band that holds the weighted τ of a worthless score in 95 % of cases, for one target.

    Args:
        sources: their number.
        draws: of random orders.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    order = np.arange(sources)
    found = [weightedtau(order, rng.permutation(sources)).statistic for _ in range(draws)]
    return float(np.quantile(np.abs(found), 0.95))


def _known(scores: pd.Series, gains: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"score": scores, "gain": gains}).dropna()


def _gain_of_best(pair: pd.DataFrame) -> float:
    return float(pair["gain"][pair["score"] == pair["score"].max()].mean())


def _has_at_the_top(pair: pd.DataFrame, best: object, top: int) -> bool:
    # Tied scores share the worst of their ranks.
    return best in pair.index and bool(pair["score"].rank(ascending=False, method="max")[best] <= top)


def _weighted(pair: pd.DataFrame) -> float:
    """Weighted τ: exchanges among the best count most, by either ranking. Undefined where all scores are equal."""
    return float(weightedtau(pair["score"], pair["gain"]).statistic)


def _pearson(pair: pd.DataFrame) -> float:
    return float(pearsonr(pair["score"], pair["gain"]).statistic) if pair.nunique().min() > 1 else float("nan")


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _bootstrap(pairs: dict[str, pd.DataFrame], draws: int, seed: int) -> tuple[float, float]:
    """The 95 % interval of the mean τ, with sources and targets drawn again: pairs of one source are not independent."""
    rng = np.random.default_rng(seed)
    sources = sorted({name for pair in pairs.values() for name in pair.index})
    targets = list(pairs)
    found = []
    for _ in range(draws):
        chosen = rng.choice(sources, len(sources))
        values = []
        for name in rng.choice(targets, len(targets)):
            pair = pairs[name]
            part = pair.loc[[source for source in chosen if source in pair.index]]
            if part["gain"].nunique() > 1 and part["score"].nunique() > 1:
                values.append(_weighted(part))
        if values:
            found.append(np.mean(values))
    low, high = np.quantile(found, [0.025, 0.975]) if found else (np.nan, np.nan)
    return float(low), float(high)
