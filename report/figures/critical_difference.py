"""The critical-difference diagram (Demšar 2006, JMLR 7): mean ranks over the targets, and bars over rows that do not differ.

The bars are of Wilcoxon's signed-rank tests, corrected by Holm's method, which stand in `rank_pairs.csv`; they do not depend on
the other rows, as Nemenyi's would (Benavoli et al. 2016). Drawn where the package `scikit-posthocs` is installed.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pandas as pd

from report.figures import style
from report.figures.drawing import Drawing, Material
from report.ranks import Ranking

MOST = 24  # rows that a diagram has room for


def draw(material: Material) -> Iterator[Drawing]:
    """One figure per profile with tests over its targets, by the first metric.

    Args:
        material: the rankings and the tests of pairs.
    """
    if material.pairs.empty or find_spec("scikit_posthocs") is None:
        return
    for ranking in material.rankings:
        tests = material.pairs[
            (material.pairs["profile"] == ranking.profile) & (material.pairs["level"] == ranking.level)
        ]
        is_shown = ranking.targets > 1 and ranking.metric == material.given.metric and len(ranking.rows) <= MOST
        if is_shown and len(tests):
            title = f"{ranking.targets} targets, {ranking.profile}"
            yield Drawing(f"critical-difference-{ranking.profile}", f"{title}: ranks", diagram(ranking, tests, title))


def diagram(ranking: Ranking, tests: pd.DataFrame, title: str) -> Any:
    """A figure with each row at its mean rank, and a bar over each run of rows of which no pair differs at 0.05.

    Args:
        ranking: the ranks over the targets.
        tests: one line per pair of rows, as `report.ranks.pairs_over_targets` returns them.
        title: title of the figure.
    """
    from scikit_posthocs import critical_difference_diagram

    named = {row: f"{row[0]}, {style.network(row[1])}, {row[2]}" for row in ranking.rows}
    p_values = pd.DataFrame(1.0, index=list(named.values()), columns=list(named.values()))
    words = ("chain", "backbone", "method")
    for line in tests.to_dict("records"):
        first, second = (tuple(line[f"{word}{end}"] for word in words) for end in ("", "_other"))
        if first in named and second in named:
            p_values.loc[named[first], named[second]] = p_values.loc[named[second], named[first]] = line["p_value"]
    figure = style.new_figure(figsize=(9.5, 1.1 + 0.16 * len(named)))
    axis = figure.subplots()
    ranks = {label: float(mean) for label, mean in zip(named.values(), ranking.means)}
    small = {"fontsize": 7}
    critical_difference_diagram(ranks, p_values, ax=axis, label_props=small)
    axis.set_title(f"{title}: mean ranks, the best on the left; bars: no difference found", fontsize=9, loc="left")
    return figure
