"""Reliability: the share of correct predictions over their confidence."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from report.arms import ArmResults
from report.calibration import reliability
from report.comparison import RowKey
from report.figures import style
from report.figures.drawing import Drawing, Material


def draw(material: Material) -> Iterator[Drawing]:
    """One figure per target, profile, backbone and method that has calibrated scores; see `reliability_diagram`.

    Args:
        material: arms and recipe.
    """
    given = material.given
    groups: dict[RowKey, list[ArmResults]] = {}
    for arm in material.arms if given.options["calibrate"] else []:
        method = replace(arm.key.method, calibrated=False)
        groups.setdefault(replace(arm.key, method=method, chain=""), []).append(arm)
    first_level = given.options["levels"][0]
    for key, group in groups.items():
        both = len({arm.key.method.calibrated for arm in group}) == 2
        if both and key.budget == given.largest_budget(key.target) and key.level.startswith(first_level):
            labels = [key.target, key.backbone, str(key.method)]
            labels += [key.profile] if len(given.recipe["profiles"]) > 1 else []
            title = f"{', '.join(labels)}: reliability"
            labels += [key.level] if key.level != first_level else []
            name = "-".join(label.replace("/", "_").replace(":", "") for label in labels)
            figure = reliability_diagram(group, title, given.chains)
            yield Drawing(f"reliability-{name}", f"{', '.join(labels)}: reliability", figure)


def reliability_diagram(arms: list[ArmResults], title: str, every_chain: list[str]) -> Any:
    """A figure with two panels, before and after calibration: the share of correct predictions in each bin of confidence.

    Args:
        arms: the arms to draw, each with and without calibration.
        title: title of the figure.
        every_chain: all chains of the recipe, whose order determines their colours.
    """
    figure = style.new_figure(figsize=(7.0, 3.9))
    grid = figure.subplots(1, 2, sharex=True, sharey=True)
    chains = [chain for chain in every_chain if chain in {arm.key.chain for arm in arms}]
    for arm in arms:
        axis = grid[int(arm.key.method.calibrated)]
        right = np.concatenate([run.scores.argmax(axis=1) == run.y for run in arm.runs]).astype(float)
        confidence, share, count = reliability(right, np.concatenate([run.scores.max(axis=1) for run in arm.runs]))
        colour = style.colour_of(arm.key.chain, every_chain)
        axis.plot(confidence, share, "-", color=colour, lw=1.1)
        axis.scatter(confidence, share, s=4 + 60 * count / count.sum(), color=colour, zorder=3)
    for axis, panel_title in zip(grid, ("not calibrated", "with a temperature fitted on validation images")):
        axis.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls="--")
        axis.set_title(panel_title, fontsize=8, loc="left")
        axis.set_xlim(1 / len(arms[0].info.classes) - 0.03, 1.02)
        style.plain_axis(axis)
    figure.supxlabel("score of the predicted class (the larger the dot, the more images)", fontsize=8)
    figure.supylabel("share of correct predictions", fontsize=8)
    style.chain_legend(figure, grid[0], chains, every_chain, title)
    return figure
