"""What each chain gained over networks that learnt from no source: a heat map of chains and targets, with intervals."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from indomain.metrics import printed
from report.figures import style
from report.figures.drawing import Drawing, Material
from report.gains import KEYS

MOST = 0.15  # gains above it have the darkest colour


def draw(material: Material) -> Iterator[Drawing]:
    """One figure for each beginning, network and way of fitting.

    Args:
        material: the gains.
    """
    for (over, backbone, method), part in material.gains.groupby(KEYS, sort=False):
        title = f"{style.network(str(backbone))}, {method}"
        yield Drawing(
            f"gains-{over}-{backbone}-{method}",
            f"{title}: gain over {over}",
            gains(part, material.given.metric, title, over),
        )


def gains(part: pd.DataFrame, metric: str, title: str, over: Any) -> Any:
    """A figure with a line per chain, the greatest mean gain first, and a column per target.

    Args:
        part: lines of one beginning, network and way of fitting, as `report.gains.gains` returns them.
        metric: the metric.
        title: title of the figure.
        over: the chain that the gains are over.
    """
    targets = list(dict.fromkeys(part["target"]))
    tables = {
        name: part.pivot(index="chain", columns="target", values=name)[targets]
        for name in ("gain", "gain_low", "gain_high")
    }
    order = tables["gain"].mean(axis=1).sort_values(ascending=False).index
    gain, low, high = (tables[name].loc[order].to_numpy() for name in tables)
    mean = gain.mean(axis=1, keepdims=True) if np.isfinite(gain).all() else np.nanmean(gain, axis=1, keepdims=True)
    shown = np.hstack([gain, mean])
    figure = style.new_figure(figsize=(1.9 + 0.95 * shown.shape[1], 1.1 + 0.34 * len(order)))
    axis = figure.subplots()
    axis.imshow(shown, cmap="PuOr", vmin=-MOST, vmax=MOST, aspect="auto")
    for line, column in np.ndindex(shown.shape):
        value = shown[line, column]
        if not np.isfinite(value):
            continue
        is_mean = column == len(targets)
        holds = not is_mean and (low[line, column] > 0 or high[line, column] < 0)
        text = f"{value:+.3f}" if is_mean else f"{value:+.3f}\n[{low[line, column]:+.2f}, {high[line, column]:+.2f}]"
        colour = "white" if abs(value) > 0.75 * MOST else "black"
        weight = "bold" if holds else "normal"
        axis.text(
            column, line, text.replace("-", "−"), ha="center", va="center", fontsize=6, color=colour, weight=weight
        )
    axis.set_xticks(range(shown.shape[1]), [*(style.wrapped(name) for name in targets), "mean"], fontsize=7)
    axis.set_yticks(range(len(order)), list(order), fontsize=7)
    axis.tick_params(length=0)
    axis.axvline(len(targets) - 0.5, color="white", lw=3)
    axis.set_xlabel(
        f"{printed(metric)} minus that of {over}, with its 95 % interval\nbold: the interval excludes 0 (not corrected)",
        fontsize=7.5,
    )
    axis.set_title(title, fontsize=9, loc="left")
    for side in ("top", "right", "bottom", "left"):
        axis.spines[side].set_visible(False)
    return figure
