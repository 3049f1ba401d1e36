"""Label budgets: all labels, a fraction of them, or k shots per class, and the rows of a fold that each of them keeps."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from indomain.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LabelBudget:
    """How many labels of a fold may be used. If neither argument is set, all of them.

    Args:
        fraction: share of the training labels, above 0 and up to 1.
        shots: training labels per class, at least 1.
    """

    fraction: float | None = None
    shots: int | None = None

    @classmethod
    def of(cls, params: dict[str, float]) -> "LabelBudget":
        """Returns the budget in the parameters of a task.

        Args:
            params: what `to_params` returned.
        """
        return cls(params.get("fraction"), int(params["shots"]) if "shots" in params else None)

    def to_params(self) -> dict[str, float]:
        """The budget for the parameters of a task: {} for all labels, {"fraction": f} or {"shots": k}."""
        params = {"fraction": self.fraction, "shots": self.shots}
        return {name: value for name, value in params.items() if value is not None}

    @property
    def label(self) -> str:
        """The text in the table: "all labels", "10 % of labels", "20 shots"."""
        if self.shots is not None:
            return f"{self.shots} shots"
        return "all labels" if self.fraction in (None, 1) else f"{100 * self.fraction:g} % of labels"

    @property
    def size(self) -> float:
        """The number to plot: the fraction of the labels (1 for all), or the labels per class."""
        return self.shots if self.shots is not None else 1.0 if self.fraction is None else self.fraction

    def rows(self, table: "pd.DataFrame", validation: float) -> "pd.DataFrame":
        """Returns the rows of a fold that are used under this budget, without those dropped as leaks.

        The labels of validation images are part of the budget: a fraction is taken of both parts; with `shots`, val keeps
        shots · validation / (1 − validation) images per class, at least one. All test images are kept.

        Args:
            table: one fold of a split table: `split`, `y`, and `rank`, the order in which the labels of a class are used.
            validation: the share of the training patients used to choose the epoch, at least 0 and below 1.

        Raises:
            RequestError: if a class is left without training images, or has fewer than `shots`.
        """
        table = table[table["split"] != "dropped"]
        if self.fraction is None and self.shots is None:
            return table.reset_index(drop=True)
        keep = (table["split"] == "test").to_numpy(copy=True)
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
