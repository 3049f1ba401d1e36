"""What a figure is drawn from, and what it is."""

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from report.arms import ArmResults
from report.given import ReportInput


@dataclass(frozen=True)
class Drawing:
    """A figure with its title and the name of its file, without the suffix."""

    name: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class Material:
    """What figures are drawn from.

    Attributes:
        given: the recipe and its options.
        table: all rows.
        arms: the predictions of all runs.
        curves: every point of every robustness curve; empty where there are none.
    """

    given: ReportInput
    table: pd.DataFrame
    arms: list[ArmResults]
    curves: pd.DataFrame

    def first_level(self, target: str) -> pd.DataFrame:
        """The rows of a target at the first level that it has, and those without a level."""
        part = self.table[self.table["target"] == target]
        return part[part["level"].isna() | (part["level"] == part["level"].dropna().iloc[0])]
