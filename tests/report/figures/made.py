"""Material for figures, made by hand."""

import pandas as pd

from report import table
from report.arms import ArmResults
from report.figures.drawing import Material
from tests.report.made import report_input, table_row


def row(chain="imagenet", mean=0.8, metric="auroc", **changes):
    """A row of the table."""
    return table_row(chain, mean, metric, interval=(mean - 0.1, mean + 0.05), **changes)


def material(rows=(), arms: list[ArmResults] | None = None, curves: pd.DataFrame | None = None, **given) -> Material:
    """What figures are drawn from."""
    return Material(
        report_input(**given), table.finished(rows, 0.02), arms or [], pd.DataFrame() if curves is None else curves
    )


def words(figure) -> set[str]:
    """All texts of a figure that are not empty."""
    figure.canvas.draw()
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")) if text.get_text()}
