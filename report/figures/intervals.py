"""A dot and a 95 % interval per chain."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from indomain.metrics import printed
from report.figures import style
from report.figures.drawing import Drawing, Material


def draw(material: Material) -> Iterator[Drawing]:
    """One figure per target, with the intervals at its largest label budget; see `intervals`. None where gains are drawn instead.

    Args:
        material: table and recipe.
    """
    given = material.given
    for target, budgets in given.budgets.items() if not material.is_matrix else ():
        part = material.first_level(target)
        largest = given.largest_budget(target)
        shown = part[part["budget"].isna() | (part["budget"] == largest)]
        title = f"{target}, {largest}" if len(budgets) > 1 else target
        yield Drawing(f"intervals-{target}", title, intervals(shown, given.metric, title, given.chains))


def intervals(table: pd.DataFrame, metric: str, title: str, every_chain: list[str]) -> Any:
    """A figure with one group of lines per backbone and method, and in it one 95 % interval per chain.

    Args:
        table: the rows to draw.
        metric: the metric to draw.
        title: title of the figure.
        every_chain: all chains of the recipe, whose order determines their colours.
    """
    part = table[(table["metric"] == metric) & table["mean"].notna()]
    chains = list(dict.fromkeys(table["chain"]))
    groups = list(dict.fromkeys(zip(part["profile"], part["budget"], part["backbone"], part["method"])))
    figure = style.new_figure(figsize=(7.2, 0.9 + 0.2 * len(part) + 0.28 * len(groups)))
    axis = figure.subplots()
    position, ticks, names = 0.0, [], []
    several_profiles, several_budgets = part["profile"].nunique() > 1, part["budget"].nunique() > 1
    for profile, budget, backbone, method in groups:
        chosen = (part["profile"] == profile) & (part["budget"] == budget)
        rows = part[chosen & (part["backbone"] == backbone) & (part["method"] == method)]
        ticks.append(position + (len(rows) - 1) / 2)
        words = [style.network(backbone), method] + [budget] * several_budgets + [profile] * several_profiles
        names.append(style.wrapped(", ".join(words)))
        for row in rows.itertuples():
            colour = style.colour_of(row.chain, every_chain)
            axis.plot([row.ci_low, row.ci_high], [position, position], color=colour, lw=2, solid_capstyle="round")
            axis.plot([row.mean], [position], "o", color=colour, ms=5)
            position += 1
        position += 0.9
    for chain in chains:
        axis.plot([], [], "o-", color=style.colour_of(chain, every_chain), label=chain, ms=5, lw=2)
    axis.set_yticks(ticks, names, fontsize=8)
    axis.set_ylim(position - 0.9, -1)
    axis.set_xlabel(f"{printed(metric)}, mean and 95 % interval", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", color="#dddddd", lw=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=min(4, len(chains)), fontsize=8, frameon=False)
    axis.set_title(title, fontsize=9, loc="left")
    return figure
