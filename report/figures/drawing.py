"""The material that figures are drawn from, and a finished figure with its names."""

from dataclasses import dataclass, field

import pandas as pd
from matplotlib.figure import Figure

from report.arms import ArmResults
from report.figures import style
from report.gains import COLUMNS
from report.given import ReportInput
from report.ranks import Ranking


@dataclass(frozen=True)
class Drawing:
    """A finished figure.

    Attributes:
        name: name of its file, without the suffix.
        title: its title on the page.
        figure: the figure.
    """

    name: str
    title: str
    figure: Figure


@dataclass(frozen=True)
class Material:
    """What figures are drawn from.

    Attributes:
        given: the input of the report.
        table: all rows.
        arms: the arms with the predictions of all runs.
        curves: the points of the robustness curves, as `report.robustness.curves` returns them; empty if there are none.
        rankings: how often each row has each rank, as `report.ranks.rankings` returns them.
        pairs: the tests of pairs of rows over the targets, as `report.ranks.pairs_over_targets` returns them.
        gains: chains × targets, as `report.gains.gains` returns them.
    """

    given: ReportInput
    table: pd.DataFrame
    arms: list[ArmResults]
    curves: pd.DataFrame
    rankings: list[Ranking] = field(default_factory=list)
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)
    gains: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))

    @property
    def is_matrix(self) -> bool:
        """Whether the gains show chains that are more than there are colours: no figure can tell these apart by colour."""
        return len(self.gains) > 0 and len(self.given.chains) > len(style.COLOURS)

    def first_level(self, target: str) -> pd.DataFrame:
        """The rows of a target at the first of its levels, and those without a level.

        Args:
            target: name of the target.
        """
        part = self.table[self.table["target"] == target]
        levels = part["level"].dropna()
        return part[part["level"].isna() | (part["level"] == levels.iloc[0])] if len(levels) else part
