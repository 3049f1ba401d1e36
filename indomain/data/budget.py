"""Label budgets: all labels, a fraction of them, or k shots per class, and the rows of a fold that each of them keeps."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from indomain.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LabelBudget:
    """How many labels of a fold may be used. If neither argument is set, all of them.

    Args:
        fraction: share of the training labels, above 0 and up to 1.
        shots: training labels per class, at least 1.
        draw: seed that chooses the labels, at least 0; None: the split's own order, the same for every seed.
    """

    fraction: float | None = None
    shots: int | None = None
    draw: int | None = None

    @classmethod
    def of(cls, params: dict[str, float]) -> "LabelBudget":
        """Returns the budget in the parameters of a task.

        Args:
            params: what `to_params` returned.
        """
        whole = {name: int(params[name]) for name in ("shots", "draw") if name in params}
        return cls(fraction=params.get("fraction"), **whole)

    def to_params(self) -> dict[str, float]:
        """The budget for the parameters of a task: {} for all labels, else `fraction` or `shots`, and `draw` if there is one."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def drawn_by(self, seed: int) -> "LabelBudget":
        """The same budget with labels that a seed chooses; unchanged if it has all labels anyway.

        Args:
            seed: the seed, at least 0.
        """
        return self if self.is_whole else replace(self, draw=seed)

    @property
    def is_whole(self) -> bool:
        """Whether no label is left out."""
        return self.shots is None and self.fraction in (None, 1)

    @property
    def label(self) -> str:
        """The text in the table: "all labels", "10 % of labels", "20 shots"."""
        if self.shots is not None:
            return f"{self.shots} shots"
        return "all labels" if self.is_whole else f"{100 * (self.fraction or 0):g} % of labels"

    @property
    def size(self) -> float:
        """The number to plot: the fraction of the labels (1 for all), or the labels per class."""
        return self.shots if self.shots is not None else 1.0 if self.fraction is None else self.fraction

    def rows(self, table: "pd.DataFrame", validation: float) -> "pd.DataFrame":
        """Returns the rows of a fold that are used under this budget, without those dropped as leaks.

        The labels of validation images are part of the budget: a fraction is taken of both parts; with `shots`, val keeps
        shots · validation / (1 − validation) images per class, at least one. All test images are kept.

        Args:
            table: one fold of a split table: `fold`, `id`, `group`, `split`, `y`, and `rank`, the order in which the labels of
                a class are used unless the budget has a `draw`.
            validation: the share of the training patients used to choose the epoch, at least 0 and below 1.

        Raises:
            RequestError: if a class is left without training images, or has fewer than `shots`.
        """
        table = table[table["split"] != "dropped"]
        if self.fraction is None and self.shots is None:
            return table.reset_index(drop=True)
        keep = (table["split"] == "test").to_numpy(copy=True)
        if self.draw is not None:
            table = table.assign(rank=ranks(table, [self.draw, int(table["fold"].iloc[0]), 2]))
        # Ranking again closes the gaps left by images that were dropped as leaks.
        rank = table.groupby(["split", "y"])["rank"].rank(method="first") - 1
        for part in ("train", "val"):
            for number in sorted(set(table["y"])):
                members = ((table["split"] == part) & (table["y"] == number)).to_numpy()
                wanted = self._wanted(part, int(members.sum()), validation)
                if part == "train" and (wanted == 0 or wanted > members.sum()):
                    budget = f"fraction {self.fraction:g}" if self.shots is None else f"{self.shots} shots"
                    raise RequestError(
                        f"the label {budget} leaves class {number} with {'no' if wanted == 0 else 'too few'} training "
                        f"images (it has {members.sum()} in all). Ask for {'more' if wanted == 0 else 'fewer'}."
                    )
                keep |= members & (rank < wanted).to_numpy()
        return table[keep].reset_index(drop=True)

    def _wanted(self, part: str, count: int, validation: float) -> int:
        """How many of the `count` images of a class in a part of the fold are kept."""
        # With shots, train and val keep the proportion (1 − validation) : validation.
        if self.shots is None:
            wanted = round((self.fraction or 0.0) * count)
        else:
            wanted = self.shots if part == "train" else max(1, round(self.shots * validation / (1 - validation)))
        return max(wanted, 1) if part == "val" and count else wanted


def ranks(table: "pd.DataFrame", seed: list[int]) -> "pd.Series":
    """The order in which the labels of a class are used, within train and within val, from 0.

    Patients are put in a random order that all classes share; a class's images are ranked in that order.

    Args:
        table: one fold of a split table: `id`, `group`, `split` and `y`.
        seed: seed of the random order.
    """
    names = np.sort(table["group"].unique())
    order = dict(zip(names, np.random.default_rng(seed).permutation(len(names))))
    shuffled = table.assign(order=table["group"].map(order)).sort_values(["order", "id"])
    return shuffled.groupby(["split", "y"]).cumcount().reindex(table.index)
