"""Figures of the page: a dot and an interval for each chain."""

import io
import re
import textwrap
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
        if len(budgets) > 1 and (part["metric"].eq(metric) & part["mean"].notna()).any():
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
        words = ", ".join([backbone, method] + [profile] * several_profiles)
        axis.set_title(textwrap.fill(words, 38), fontsize=8, loc="left")
        axis.set_xscale("log")
        ticks = sorted(budgets.values())
        axis.set_xticks(ticks, [f"{100 * value:g} %" if shares else f"{value:g}" for value in ticks], fontsize=7)
        axis.minorticks_off()
        _plain_axis(axis)
    for axis in grid.ravel()[len(panels) :]:
        axis.set_visible(False)
    figure.supxlabel("share of the training labels" if shares else "training labels for each class", fontsize=8)
    figure.supylabel(f"{metric}, mean and 95 % interval", fontsize=8)
    _chain_legend(figure, grid[0, 0], chains, every_chain, title)
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
    axis.set_ylim(place - 0.9, -1)
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


def of_robustness(curves: pd.DataFrame, params: dict[str, Any], metric: str) -> Iterator[tuple[str, str, Any]]:
    """For each target, profile, backbone and method the metric over the severity of each corruption, a line a chain."""
    chains = list(params["recipe"]["chains"])
    for (target, profile, backbone, method), part in curves.groupby(
        ["target", "profile", "backbone", "method"], sort=False
    ):
        words = [target, backbone, *([profile] if curves["profile"].nunique() > 1 else [])]
        words += [method] if curves["method"].nunique() > 1 else []
        name = "-".join(word.replace("/", "_") for word in words)
        spoilt = part[~part["corruption"].str.startswith("mark ") & (part["corruption"] != "none")]
        if len(spoilt):
            title = f"{', '.join(words)}: {metric} under corruption"
            clean = part[part["corruption"] == "none"]
            yield f"robustness-{name}", title, severity_curves(spoilt, clean, metric, title, chains)
        marked = part[part["corruption"].str.startswith("mark ")]
        if len(marked):
            title = f"{', '.join(words)}: a mark that went with the label"
            yield f"robustness-mark-{name}", title, conditions(marked, metric, title, chains)


def severity_curves(spoilt: pd.DataFrame, clean: pd.DataFrame, metric: str, title: str, every_chain: list[str]) -> Any:
    """A figure with a panel a corruption: the metric from whole pictures (0) to the worst severity, with 95 % intervals."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(spoilt["corruption"]))
    columns = min(5, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(max(4.2, 2.0 * columns), 1.1 + 1.9 * lines), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    chains = [chain for chain in every_chain if chain in set(spoilt["chain"])]
    for axis, name in zip(grid.ravel(), names):
        for number, chain in enumerate(chains):
            own = pd.concat(
                [clean[clean["chain"] == chain], spoilt[(spoilt["chain"] == chain) & (spoilt["corruption"] == name)]]
            )
            x = own["severity"].to_numpy(float) + 0.09 * (number - (len(chains) - 1) / 2)
            colour = COLOURS[every_chain.index(chain) % len(COLOURS)]
            axis.plot(x, own["mean"], "o-", color=colour, ms=2.5, lw=1.2)
            axis.vlines(x, own["ci_low"], own["ci_high"], color=colour, lw=0.9)
        axis.set_title(name, fontsize=8, loc="left")
        axis.set_xticks(sorted({0, *spoilt["severity"]}))
        _plain_axis(axis)
    for axis in grid.ravel()[len(names) :]:
        axis.set_visible(False)
    figure.supxlabel("severity (0: as it is)", fontsize=8)
    figure.supylabel(f"{metric}, mean and 95 % interval", fontsize=8)
    _chain_legend(figure, grid[0, 0], chains, every_chain, title)
    return figure


def conditions(marked: pd.DataFrame, metric: str, title: str, every_chain: list[str]) -> Any:
    """A figure of the metric while the mark goes with the label as it was learnt, is absent, and is reversed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 3.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    chains = [chain for chain in every_chain if chain in set(marked["chain"])]
    for number, chain in enumerate(chains):
        own = marked[marked["chain"] == chain].sort_values("severity")
        x = own["severity"].to_numpy(float) + 0.05 * (number - (len(chains) - 1) / 2)
        colour = COLOURS[every_chain.index(chain) % len(COLOURS)]
        axis.plot(x, own["mean"], "o-", color=colour, ms=4, lw=1.3)
        axis.vlines(x, own["ci_low"], own["ci_high"], color=colour, lw=1.1)
    order = marked.drop_duplicates("severity").sort_values("severity")
    axis.set_xticks(order["severity"], order["corruption"], fontsize=8)
    axis.set_ylabel(f"{metric}, mean and 95 % interval", fontsize=8)
    _plain_axis(axis)
    _chain_legend(figure, axis, chains, every_chain, title)
    return figure


def of_reliability(rows: list[Any], params: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """For each target, profile and backbone: how often a network's answer is right, over how sure it is, a line a chain.

    The left panel of each pair is of the scores as they are, the right one of those with a temperature.
    """
    chains = list(params["recipe"]["chains"])
    groups: dict[tuple, list[Any]] = {}
    for row in rows:
        kept = [row.labels[name] for name in ("target", "profile", "backbone", "budget", "level")]
        groups.setdefault((*kept, row.labels["method"].removesuffix(", calibrated")), []).append(row)
    for (target, profile, backbone, budget, level, method), group in groups.items():
        largest = max(params["budgets"][target], key=lambda budget: budget[1])[0]
        first = params["options"]["levels"][0]
        if len({row.labels["method"] for row in group}) == 2 and budget == largest and level.startswith(first):
            words = [target, backbone, method, *([profile] if len(params["recipe"]["profiles"]) > 1 else [])]
            title = f"{', '.join(words)}: reliability"
            words += [level] if level != first else []
            name = "-".join(word.replace("/", "_").replace(":", "") for word in words)
            yield f"reliability-{name}", ", ".join(words) + ": reliability", reliability_diagram(group, title, chains)


def reliability_diagram(rows: list[Any], title: str, every_chain: list[str]) -> Any:
    """A figure of two panels, scores as they are and calibrated: the share that is right in each bin of confidence."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from report.calibration import reliability

    figure = Figure(figsize=(7.0, 3.9), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(1, 2, sharex=True, sharey=True)
    chains = [chain for chain in every_chain if chain in {row.labels["chain"] for row in rows}]
    for row in rows:
        axis = grid[int(row.labels["method"].endswith(", calibrated"))]
        right = np.concatenate([run.scores.argmax(axis=1) == run.y for run in row.runs]).astype(float)
        confidence, share, count = reliability(right, np.concatenate([run.scores.max(axis=1) for run in row.runs]))
        colour = COLOURS[every_chain.index(row.labels["chain"]) % len(COLOURS)]
        axis.plot(confidence, share, "-", color=colour, lw=1.1)
        axis.scatter(confidence, share, s=4 + 60 * count / count.sum(), color=colour, zorder=3)
    for axis, words in zip(grid, ("scores as they are", "with a temperature fitted on validation images")):
        axis.plot([0, 1], [0, 1], color="#999999", lw=0.8, ls="--")
        axis.set_title(words, fontsize=8, loc="left")
        axis.set_xlim(1 / len(rows[0].facts["classes"]) - 0.03, 1.02)
        _plain_axis(axis)
    figure.supxlabel("score of the class given (the larger the dot, the more images)", fontsize=8)
    figure.supylabel("share that is right", fontsize=8)
    _chain_legend(figure, grid[0], chains, every_chain, title)
    return figure


def _plain_axis(axis: Any) -> None:
    axis.tick_params(labelsize=7)
    axis.grid(color="#dddddd", lw=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def _chain_legend(figure: Any, axis: Any, chains: list[str], every_chain: list[str], title: str) -> None:
    for chain in chains:
        axis.plot([], [], "o-", color=COLOURS[every_chain.index(chain) % len(COLOURS)], label=chain, ms=3.5, lw=1.3)
    place = {"loc": "outside upper left", "ncols": min(4, len(chains)), "alignment": "left"}
    figure.legend(**place, fontsize=8, frameon=False, title=title)


def as_svg(figure) -> str:
    """A figure as SVG for a page; the same figure gives the same text."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "indomain", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    # The description of the file's format names addresses; a page that needs no network should not show any.
    return re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
