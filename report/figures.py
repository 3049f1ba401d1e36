"""Figures of the page: a dot and an interval for each chain."""

import io
import re
from typing import Any

import pandas as pd

COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8f5db7", "#c17c00", "#555555", "#0f8b8d", "#a23e48")


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
