"""The differences from the reference chain with their 95 % intervals, and the margin within which they do not matter."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from indomain.metrics import printed
from report.comparison import PRIMARY
from report.figures import style
from report.figures.drawing import Drawing, Material

# Filled where the verdict is of the primary family: nothing else is a finding.
_MARKERS = {"better": ">", "worse": "<", "equal": "s"}


def draw(material: Material) -> Iterator[Drawing]:
    """One figure per target with comparisons, at its largest label budget; see `differences`. None where gains are drawn instead.

    Args:
        material: table and recipe.
    """
    given = material.given
    for target, budgets in given.budgets.items() if not material.is_matrix else ():
        part, largest = material.first_level(target), given.largest_budget(target)
        shown = part[(part["metric"] == given.metric) & (part["budget"] == largest) & part["difference"].notna()]
        if len(shown):
            title = f"{target}, {largest}" if len(budgets) > 1 else target
            figure = differences(shown, given.metric, title, given.chains, given.options["margin"])
            yield Drawing(f"differences-{target}", f"{title}: differences from the reference", figure)


def differences(table: pd.DataFrame, metric: str, title: str, every_chain: list[str], margin: float) -> Any:
    """A figure with one line per row: the difference from its reference and the 95 % interval.

    Args:
        table: the rows to draw, of one metric, each with a difference.
        metric: the metric.
        title: title of the figure.
        every_chain: all chains of the recipe, whose order determines their colours.
        margin: differences up to this one do not matter.
    """
    chains = [chain for chain in every_chain if chain in set(table["chain"])]
    names = ["profile", "backbone", "method"]
    groups = list(dict.fromkeys(zip(*(table[name] for name in names))))
    figure = style.new_figure(figsize=(7.2, 1.1 + 0.2 * len(table) + 0.28 * len(groups)))
    axis = figure.subplots()
    axis.axvspan(-margin, margin, color="#eeeeee", zorder=0)
    axis.axvline(0, color="#777777", lw=0.8)
    position, ticks, labels = 0.0, [], []
    for profile, backbone, method in groups:
        rows = table[(table["profile"] == profile) & (table["backbone"] == backbone) & (table["method"] == method)]
        ticks.append(position + (len(rows) - 1) / 2)
        words = [style.network(backbone), method] + [profile] * (table["profile"].nunique() > 1)
        labels.append(style.wrapped(", ".join(words)))
        for row in rows.itertuples():
            colour = style.colour_of(row.chain, every_chain)
            axis.plot(
                [row.difference_low, row.difference_high], [position] * 2, color=colour, lw=2, solid_capstyle="round"
            )
            filled = row.verdict in _MARKERS and row.family == PRIMARY
            marker = _MARKERS.get(row.verdict, "o")
            axis.plot(row.difference, position, marker, color=colour, ms=6, mfc=colour if filled else "white")
            position += 1
        position += 1.1
    axis.set_yticks(ticks, labels, fontsize=8)
    axis.invert_yaxis()
    # The best ImageNet row has a long name, which stands in the table; a chain or a control has its own.
    known = ["the best ImageNet row" if ", " in name else name for name in table["compared_with"]]
    references = ", ".join(dict.fromkeys(known))
    axis.set_xlabel(
        f"{printed(metric)} minus that of {references}, with 95 % interval\n"
        f"grey: margin of {margin:g}; right, left, square: better, worse, equal\n"
        "filled: primary comparison; open: exploration, or cannot tell",
        fontsize=7.5,
    )
    style.plain_axis(axis)
    style.chain_legend(figure, axis, chains, every_chain, title)
    return figure
