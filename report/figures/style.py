"""What all figures share: size, colours, axes, legends, and how one becomes SVG."""

import io
import re
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#1b6ca8", "#d1495b", "#3a7d44", "#8f5db7", "#c17c00", "#555555", "#0f8b8d", "#a23e48")


def new_figure(figsize: tuple[float, float]) -> Figure:
    """An empty figure; `figsize` is (width, height) in inches."""
    figure = Figure(figsize=figsize, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def colour_of(chain: str, every_chain: list[str]) -> str:
    """The colour of a chain: the same one in every figure of a recipe."""
    return COLOURS[every_chain.index(chain) % len(COLOURS)]


def plain_axis(axis: Any) -> None:
    """Small ticks, a light grid, no frame above and to the right."""
    axis.tick_params(labelsize=7)
    axis.grid(color="#dddddd", lw=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def chain_legend(figure: Any, axis: Any, chains: list[str], every_chain: list[str], title: str) -> None:
    """A legend of chains above a figure, with its title."""
    for chain in chains:
        axis.plot([], [], "o-", color=colour_of(chain, every_chain), label=chain, ms=3.5, lw=1.3)
    place = {"loc": "outside upper left", "ncols": min(4, len(chains)), "alignment": "left"}
    figure.legend(**place, fontsize=8, frameon=False, title=title)


def as_svg(figure) -> str:
    """A figure as SVG for a page; the same figure gives the same text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "indomain", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    # The description of the file's format names addresses; a page that needs no network should not show any.
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
