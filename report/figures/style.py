"""What all figures share: size, colours, axes, legends, and conversion to SVG."""

import io
import re
import textwrap
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = (
    *("#1b6ca8", "#d1495b", "#3a7d44", "#8f5db7", "#c17c00", "#555555", "#0f8b8d", "#a23e48"),
    *("#9a8b1e", "#e07fb0", "#2b2d8c", "#7a4f2a"),
)


def new_figure(figsize: tuple[float, float]) -> Figure:
    """An empty figure; `figsize` is (width, height) in inches."""
    figure = Figure(figsize=figsize, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def colour_of(chain: str, every_chain: list[str]) -> str:
    """The colour of a chain, the same in all figures of a recipe.

    Args:
        chain: name of the chain.
        every_chain: all chains of the recipe, in its order.
    """
    return COLOURS[every_chain.index(chain) % len(COLOURS)]


def wrapped(words: str) -> str:
    """A row's name on several lines, so that the networks of a fusion leave room for the figure.

    Args:
        words: backbone, method and so on.
    """
    return "\n".join(textwrap.wrap(words.replace("+", "+ "), 36)).replace("+ ", "+")


def plain_axis(axis: Any) -> None:
    """Gives an axis small tick labels, a light grid, and no frame at the top and right."""
    axis.tick_params(labelsize=7)
    axis.grid(color="#dddddd", lw=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def chain_legend(figure: Any, axis: Any, chains: list[str], every_chain: list[str], title: str) -> None:
    """Adds a legend of chains above a figure, with the figure's title.

    Args:
        figure: the figure.
        axis: any axis of the figure; invisible lines are added to it for the legend.
        chains: the chains in the figure.
        every_chain: all chains of the recipe, whose order determines their colours.
        title: title of the figure.
    """
    for chain in chains:
        axis.plot([], [], "o-", color=colour_of(chain, every_chain), label=chain, ms=3.5, lw=1.3)
    layout = {"loc": "outside upper left", "ncols": min(4, len(chains)), "alignment": "left"}
    figure.legend(**layout, fontsize=8, frameon=False, title=title)


def as_svg(figure) -> str:
    """A figure as SVG for a page; equal figures yield equal text."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "indomain", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    # The metadata contain URLs of the file format, which a page that needs no network should not have.
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)


def network(backbone: str) -> str:
    """A backbone as a figure names it: of a group across chains the number of networks, since its chain names the group.

    Args:
        backbone: as in the table; members of a group across chains are "chain/backbone", joined by "+".
    """
    return f"{backbone.count('+') + 1} networks" if "/" in backbone else backbone
