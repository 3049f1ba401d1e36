"""The metric under corruptions, and under each condition of a confounding marker."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from indomain.artifacts.explanations import CLEAN, MARKER
from indomain.metrics import printed
from report.figures import style
from report.figures.drawing import Drawing, Material


def draw(material: Material) -> Iterator[Drawing]:
    """Per target, profile, backbone and method, one figure for the corruptions and one for a marker, where there are any.

    Args:
        material: curves and recipe.
    """
    curves, metric, chains = material.curves, material.given.metric, material.given.chains
    if not len(curves):
        return
    several_profiles, several_methods = (curves[name].nunique() > 1 for name in ("profile", "method"))
    coordinates = ["target", "profile", "backbone", "method"]
    for (target, profile, backbone, method), part in curves.groupby(coordinates, sort=False):
        labels = [target, backbone, *[profile] * several_profiles, *[method] * several_methods]
        name = "-".join(label.replace("/", "_") for label in labels)
        with_marker = part["corruption"].str.startswith(MARKER)
        clean = part[part["corruption"] == CLEAN]
        corrupted = part[~with_marker & (part["corruption"] != CLEAN)]
        if len(corrupted):
            title = f"{', '.join(labels)}: {printed(metric)} under corruption"
            yield Drawing(f"robustness-{name}", title, severity_curves(corrupted, clean, metric, title, chains))
        if with_marker.any():
            title = f"{', '.join(labels)}: a marker that goes with the label"
            yield Drawing(f"robustness-marker-{name}", title, conditions(part[with_marker], metric, title, chains))


def severity_curves(
    corrupted: pd.DataFrame, clean: pd.DataFrame, metric: str, title: str, every_chain: list[str]
) -> Any:
    """A figure with one panel per corruption: the metric from uncorrupted images (0) to the worst severity.

    Bars are 95 % intervals.

    Args:
        corrupted: points of the curves under corruptions.
        clean: the points of uncorrupted images.
        metric: name of the metric.
        title: title of the figure.
        every_chain: all chains of the recipe, whose order determines their colours.
    """
    names = list(dict.fromkeys(corrupted["corruption"]))
    columns = min(5, len(names))
    lines = -(-len(names) // columns)
    figure = style.new_figure(figsize=(max(4.2, 2.0 * columns), 1.1 + 1.9 * lines))
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    chains = [chain for chain in every_chain if chain in set(corrupted["chain"])]
    for axis, name in zip(grid.ravel(), names):
        for number, chain in enumerate(chains):
            points = pd.concat(
                [
                    clean[clean["chain"] == chain],
                    corrupted[(corrupted["chain"] == chain) & (corrupted["corruption"] == name)],
                ]
            )
            x = points["severity"].to_numpy(float) + 0.09 * (number - (len(chains) - 1) / 2)
            colour = style.colour_of(chain, every_chain)
            axis.plot(x, points["mean"], "o-", color=colour, ms=2.5, lw=1.2)
            axis.vlines(x, points["ci_low"], points["ci_high"], color=colour, lw=0.9)
        axis.set_title(name, fontsize=8, loc="left")
        axis.set_xticks(sorted({0, *corrupted["severity"]}))
        style.plain_axis(axis)
    for axis in grid.ravel()[len(names) :]:
        axis.set_visible(False)
    figure.supxlabel("severity (0: uncorrupted)", fontsize=8)
    figure.supylabel(f"{printed(metric)}, mean and 95 % interval", fontsize=8)
    style.chain_legend(figure, grid[0, 0], chains, every_chain, title)
    return figure


def conditions(marked: pd.DataFrame, metric: str, title: str, every_chain: list[str]) -> Any:
    """A figure of the metric while the marker goes with the label as it was learnt, is absent, or is reversed.

    Args:
        marked: the points of the marker's conditions.
        metric: name of the metric.
        title: title of the figure.
        every_chain: all chains of the recipe, whose order determines their colours.
    """
    figure = style.new_figure(figsize=(5.2, 3.2))
    axis = figure.subplots()
    chains = [chain for chain in every_chain if chain in set(marked["chain"])]
    for number, chain in enumerate(chains):
        points = marked[marked["chain"] == chain].sort_values("severity")
        x = points["severity"].to_numpy(float) + 0.05 * (number - (len(chains) - 1) / 2)
        colour = style.colour_of(chain, every_chain)
        axis.plot(x, points["mean"], "o-", color=colour, ms=4, lw=1.3)
        axis.vlines(x, points["ci_low"], points["ci_high"], color=colour, lw=1.1)
    order = marked.drop_duplicates("severity").sort_values("severity")
    axis.set_xticks(order["severity"], order["corruption"], fontsize=8)
    axis.set_ylabel(f"{printed(metric)}, mean and 95 % interval", fontsize=8)
    style.plain_axis(axis)
    style.chain_legend(figure, axis, chains, every_chain, title)
    return figure
