"""Label budgets: all labels, a fraction of them, or k shots per class, and what is left of a fold under one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from indomain.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LabelBudget:
    """How many labels of a fold may be used; both None: all of them.

    Args:
        fraction: of the training labels, above 0 and up to 1.
        shots: training labels per class, at least 1.
    """

    fraction: float | None = None
    shots: int | None = None

    @classmethod
    def of(cls, params: dict[str, float]) -> "LabelBudget":
        """The budget that `to_params` wrote."""
        return cls(params.get("fraction"), int(params["shots"]) if "shots" in params else None)

    def to_params(self) -> dict[str, float]:
        """{} for all labels, {"fraction": f} or {"shots": k}: what a task's parameters hold."""
        given = {"fraction": self.fraction, "shots": self.shots}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def label(self) -> str:
        """As the table prints it: "all labels", "10 % of labels", "20 shots"."""
        if self.shots is not None:
            return f"{self.shots} shots"
        return "all labels" if self.fraction in (None, 1) else f"{100 * self.fraction:g} % of labels"

    @property
    def size(self) -> float:
        """A number to plot: the fraction of the labels (1: all), or the labels per class."""
        return self.shots if self.shots is not None else 1.0 if self.fraction is None else self.fraction

    def rows(self, table: "pd.DataFrame", validation: float) -> "pd.DataFrame":
        """The rows of a fold that are used under this budget; those dropped as leaks are never among them.

        A small label budget must pay for its validation images too: a fraction is taken of both parts; with `shots`, val
        keeps shots · validation / (1 − validation) images per class, at least one. Test images all stay.

        Args:
            table: one fold of a split table: `split`, `y`, and `rank`, the order in which labels of a class are taken.
            validation: the share of the training patients that choose the epoch, 0 … 1.

        Raises:
            RequestError: a class would be left without a training image, or has fewer than `shots`.
        """
        table = table[table["split"] != "dropped"]
        if self.fraction is None and self.shots is None:
            return table.reset_index(drop=True)
        keep = (table["split"] == "test").to_numpy(copy=True)
        # Images dropped as leaks leave gaps in the order, which are closed here.
        rank = table.groupby(["split", "y"])["rank"].rank(method="first") - 1
        for part in ("train", "val"):
            for number in sorted(set(table["y"])):
                members = ((table["split"] == part) & (table["y"] == number)).to_numpy()
                wanted = self._wanted(part, int(members.sum()), validation)
                if part == "train" and (wanted == 0 or wanted > members.sum()):
                    asked = f"fraction {self.fraction:g}" if self.shots is None else f"{self.shots} shots"
                    raise RequestError(
                        f"the label {asked} leaves class {number} with {'no' if wanted == 0 else 'too few'} training "
                        f"images (it has {members.sum()} in all). Ask for {'more' if wanted == 0 else 'fewer'}."
                    )
                keep |= members & (rank < wanted).to_numpy()
        return table[keep].reset_index(drop=True)

    def _wanted(self, part: str, count: int, validation: float) -> int:
        """How many of a class's `count` images in a part of the fold are kept."""
        if self.shots is None:
            wanted = round((self.fraction or 0.0) * count)
        else:
            wanted = self.shots if part == "train" else max(1, round(self.shots * validation / (1 - validation)))
        return max(wanted, 1) if part == "val" and count else wanted
