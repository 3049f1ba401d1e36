"""In what share of the draws each row has each rank: a heat map, after Wiesenfarth et al. 2021."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from indomain.metrics import printed
from report.figures import style
from report.figures.drawing import Drawing, Material
from report.ranks import Ranking

MOST = 16  # rows in a figure; those that are first by their mean


def draw(material: Material) -> Iterator[Drawing]:
    """One figure per target at its largest label budget and first level, and one over the targets, by the first metric.

    Args:
        material: the rankings.
    """
    given, drawn = material.given, set()
    for ranking in material.rankings:
        largest = ranking.targets > 1 or ranking.budget == given.largest_budget(ranking.target)
        where = (ranking.profile, ranking.target)
        if ranking.metric == given.metric and largest and where not in drawn and len(ranking.rows) > 2:
            drawn.add(where)
            several = len(given.recipe["profiles"]) > 1
            title = f"{ranking.target}, {ranking.profile}" if several else ranking.target
            yield Drawing(
                f"ranks-{title.replace(', ', '-').replace(' ', '-')}", f"{title}: ranks", ranks(ranking, title)
            )


def ranks(ranking: Ranking, title: str) -> Any:
    """A figure with a line per row, the best mean first, and in it the share of the draws in which it has each rank.

    Args:
        ranking: the ranks.
        title: title of the figure.
    """
    order = np.argsort(ranking.rank, kind="stable")[:MOST]
    shares = ranking.shares[order][:, : len(order)]
    names = [style.wrapped(f"{chain}, {style.network(backbone)}, {method}") for chain, backbone, method in ranking.rows]
    lines = sum(names[row].count("\n") + 1 for row in order)
    figure = style.new_figure(figsize=(7.2, 0.9 + 0.15 * lines + 0.08 * len(order)))
    axis = figure.subplots()
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for line, column in zip(*np.nonzero(shares >= 0.005)):
        share = shares[line, column]
        colour = "white" if share > 0.6 else "black"
        axis.text(
            column, line, f"{share:.0%}", ha="center", va="center", fontsize=6 if len(order) < 12 else 5, color=colour
        )
    axis.set_yticks(range(len(order)), [names[row] for row in order], fontsize=6.5)
    axis.set_xticks(range(len(order)), [str(rank) for rank in range(1, len(order) + 1)], fontsize=7)
    axis.tick_params(length=0)
    by = "mean rank over the targets" if ranking.targets > 1 else printed(ranking.metric)
    axis.set_xlabel(f"rank by {by}; share of the draws", fontsize=8)
    axis.set_title(title, fontsize=9, loc="left")
    for side in ("top", "right", "bottom", "left"):
        axis.spines[side].set_visible(False)
    return figure
