"""Figures of the page: a dot and an interval for each chain."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pandas as pd

COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8f5db7", "#c17c00", "#555555", "#0f8b8d", "#a23e48")


def of_table(table: pd.DataFrame, params: dict[str, Any], metric: str) -> Iterator[tuple[str, str, Any]]:
    """Every figure of a report: the name of its file, its title, itself.

    For each target the intervals of its largest label budget and, where there are several budgets, the curve over them.
    """
    chains = list(params["recipe"]["chains"])
    for target, budgets in params["budgets"].items():
        part = table[table["target"] == target]
        part = part[part["level"].isna() | (part["level"] == part["level"].dropna().iloc[0])]
        largest = max(budgets, key=lambda budget: budget[1])[0]
        shown = part[part["budget"].isna() | (part["budget"] == largest)]
        title = f"{target}, {largest}" if len(budgets) > 1 else target
        yield f"intervals-{target}", title, intervals(shown, metric, title, chains)
        if len(budgets) > 1:
            title = f"{target}: how many labels?"
            yield f"labels-{target}", title, label_curve(part, metric, title, chains, dict(budgets))


def label_curve(table: pd.DataFrame, metric: str, title: str, every_chain: list[str], budgets: dict[str, float]) -> Any:
    """A figure for one target: the metric over the label budgets, one panel a backbone and method, one line a chain.

    Bars are 95 % intervals; chains are set slightly apart so that their bars do not hide one another.

    Args:
        budgets: the budget in words -> a share of the labels (up to 1), or labels for each class.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    part = table[(table["metric"] == metric) & table["mean"].notna()]
    panels = list(dict.fromkeys(zip(part["profile"], part["backbone"], part["method"])))
    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(max(4.2, 3.1 * columns), 0.9 + 2.5 * lines), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    shares = all(value <= 1 for value in budgets.values())
    several_profiles = part["profile"].nunique() > 1
    chains = [chain for chain in every_chain if chain in set(part["chain"])]
    for axis, (profile, backbone, method) in zip(grid.ravel(), panels):
        of_panel = part[(part["profile"] == profile) & (part["backbone"] == backbone) & (part["method"] == method)]
        for number, chain in enumerate(chains):
            rows = of_panel[of_panel["chain"] == chain]
            place = rows["budget"].map(budgets).to_numpy(float)
            order = place.argsort()
            x = place[order] * 1.03 ** (number - (len(chains) - 1) / 2)
            mean, low, high = (rows[name].to_numpy(float)[order] for name in ("mean", "ci_low", "ci_high"))
            colour = COLOURS[every_chain.index(chain) % len(COLOURS)]
            axis.plot(x, mean, "o-", color=colour, ms=3.5, lw=1.3)
            axis.vlines(x, low, high, color=colour, lw=1.1)
        axis.set_title(", ".join([backbone, method] + [profile] * several_profiles), fontsize=8, loc="left")
        axis.set_xscale("log")
        ticks = sorted(budgets.values())
        axis.set_xticks(ticks, [f"{100 * value:g} %" if shares else f"{value:g}" for value in ticks], fontsize=7)
        axis.minorticks_off()
        axis.tick_params(axis="y", labelsize=7)
        axis.grid(color="#dddddd", lw=0.6)
        axis.set_axisbelow(True)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    for axis in grid.ravel()[len(panels) :]:
        axis.set_visible(False)
    for chain in chains:
        colour = COLOURS[every_chain.index(chain) % len(COLOURS)]
        grid[0, 0].plot([], [], "o-", color=colour, label=chain, ms=3.5, lw=1.3)
    figure.supxlabel("share of the training labels" if shares else "training labels for each class", fontsize=8)
    figure.supylabel(f"{metric}, mean and 95 % interval", fontsize=8)
    figure.legend(
        loc="outside upper left", ncols=min(4, len(chains)), fontsize=8, frameon=False, title=title, alignment="left"
    )
    return figure


def intervals(table: pd.DataFrame, metric: str, title: str, every_chain: list[str]) -> Any:
    """A figure for one target: each backbone and method a group of lines, each chain a line, with its 95 % interval.

    Args:
        every_chain: the recipe's chains: one has the same colour in every figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    part = table[(table["metric"] == metric) & table["mean"].notna()]
    chains = list(dict.fromkeys(table["chain"]))
    groups = list(dict.fromkeys(zip(part["profile"], part["budget"], part["backbone"], part["method"])))
    figure = Figure(figsize=(7.2, 0.9 + 0.2 * len(part) + 0.22 * len(groups)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    place, ticks, names = 0.0, [], []
    several_profiles, several_budgets = part["profile"].nunique() > 1, part["budget"].nunique() > 1
    for profile, budget, backbone, method in groups:
        chosen = (part["profile"] == profile) & (part["budget"] == budget)
        rows = part[chosen & (part["backbone"] == backbone) & (part["method"] == method)]
        ticks.append(place + (len(rows) - 1) / 2)
        words = [backbone, method] + [budget] * several_budgets + [profile] * several_profiles
        names.append(", ".join(words))
        for row in rows.itertuples():
            colour = COLOURS[every_chain.index(row.chain) % len(COLOURS)]
            axis.plot([row.ci_low, row.ci_high], [place, place], color=colour, lw=2, solid_capstyle="round")
            axis.plot([row.mean], [place], "o", color=colour, ms=5)
            place += 1
        place += 0.9
    for chain in chains:
        axis.plot([], [], "o-", color=COLOURS[every_chain.index(chain) % len(COLOURS)], label=chain, ms=5, lw=2)
    axis.set_yticks(ticks, names, fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(f"{metric}, mean and 95 % interval", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.grid(axis="x", color="#dddddd", lw=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=min(4, len(chains)), fontsize=8, frameon=False)
    axis.set_title(title, fontsize=9, loc="left")
    return figure


def as_svg(figure) -> str:
    """A figure as SVG for a page; the same figure gives the same text."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "indomain", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    # The description of the file's format names addresses; a page that needs no network should not show any.
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
