"""The metric over the label budgets."""

import textwrap
from collections.abc import Iterator
from typing import Any

import pandas as pd

from indomain.metrics import printed
from report.figures import style
from report.figures.drawing import Drawing, Material


def draw(material: Material) -> Iterator[Drawing]:
    """One figure per target with several label budgets; see `label_curve`.

    Args:
        material: table and recipe.
    """
    given = material.given
    for target, budgets in given.budgets.items():
        part = material.first_level(target)
        if len(budgets) > 1 and (part["metric"].eq(given.metric) & part["mean"].notna()).any():
            title = f"{target}: how many labels?"
            figure = label_curve(part, given.metric, title, given.chains, dict(budgets))
            yield Drawing(f"labels-{target}", title, figure)


def label_curve(table: pd.DataFrame, metric: str, title: str, every_chain: list[str], budgets: dict[str, float]) -> Any:
    """A figure of the metric over the label budgets, with one panel per backbone and method and one line per chain.

    Bars are 95 % intervals. Chains are shifted slightly, so that their bars do not hide one another.

    Args:
        table: the rows to draw.
        metric: the metric to draw.
        title: title of the figure.
        every_chain: all chains of the recipe, whose order determines their colours.
        budgets: label of a budget -> its size, as a share of the training labels (up to 1) or as labels per class.
    """
    part = table[(table["metric"] == metric) & table["mean"].notna()]
    panels = list(dict.fromkeys(zip(part["profile"], part["backbone"], part["method"])))
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure = style.new_figure(figsize=(max(4.2, 3.1 * columns), 0.9 + 2.5 * lines))
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    shares = all(value <= 1 for value in budgets.values())
    several_profiles = part["profile"].nunique() > 1
    chains = [chain for chain in every_chain if chain in set(part["chain"])]
    for axis, (profile, backbone, method) in zip(grid.ravel(), panels):
        of_panel = part[(part["profile"] == profile) & (part["backbone"] == backbone) & (part["method"] == method)]
        for number, chain in enumerate(chains):
            rows = of_panel[of_panel["chain"] == chain]
            sizes = rows["budget"].map(budgets).to_numpy(float)
            order = sizes.argsort()
            x = sizes[order] * 1.03 ** (number - (len(chains) - 1) / 2)
            mean, low, high = (rows[name].to_numpy(float)[order] for name in ("mean", "ci_low", "ci_high"))
            colour = style.colour_of(chain, every_chain)
            axis.plot(x, mean, "o-", color=colour, ms=3.5, lw=1.3)
            axis.vlines(x, low, high, color=colour, lw=1.1)
        panel_title = ", ".join([style.network(backbone), method] + [profile] * several_profiles)
        axis.set_title(textwrap.fill(panel_title, 38), fontsize=8, loc="left")
        axis.set_xscale("log")
        ticks = sorted(budgets.values())
        axis.set_xticks(ticks, [f"{100 * value:g} %" if shares else f"{value:g}" for value in ticks], fontsize=7)
        axis.minorticks_off()
        style.plain_axis(axis)
    for axis in grid.ravel()[len(panels) :]:
        axis.set_visible(False)
    figure.supxlabel("share of the training labels" if shares else "training labels per class", fontsize=8)
    figure.supylabel(f"{printed(metric)}, mean and 95 % interval", fontsize=8)
    style.chain_legend(figure, grid[0, 0], chains, every_chain, title)
    return figure
