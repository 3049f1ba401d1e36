"""Tuning: every chain gets the same candidates, each is a run, and the choice among them is a run of its own.

The candidate with the best AUROC of the validation images is chosen; of several, the one with the lowest log loss. Test images
play no part. Each fold, label budget and seed chooses for itself, as somebody would who had only these labels.
"""

import shutil
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from indomain.toml import Table

if TYPE_CHECKING:
    from indomain.runs.task import Work

KEPT = ("model.keras", "predictions.csv", "log.csv")  # what the choice takes over from the candidate
ANY = "tuned"  # the strategy of rows whose strategy was itself chosen


class TuneOptions(Table):
    """[finetune] tune: the values to try; every combination is a candidate."""

    # Learning rates to try; default: that of [finetune].
    learning_rate: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] = []
    # Numbers of epochs to try; default: that of [finetune].
    epochs: list[Annotated[int, Field(ge=1)]] = []
    # Strategies to choose from; default: each of `strategies` is tuned by itself.
    strategy: list[str] = []
    # The largest number of candidates, so that a grid is not larger than it was meant to be.
    limit: int = Field(default=12, ge=1)

    @model_validator(mode="after")
    def _within_the_limit(self) -> "TuneOptions":
        number = len(self.settings()) * max(len(self.strategy), 1)
        if number > self.limit:
            raise ValueError(
                f"tune has {number} candidates for every network, more than its limit of {self.limit}; leave some out, or "
                f"set limit = {number}"
            )
        for name in ("learning_rate", "epochs", "strategy"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"tune.{name} has a value twice")
        return self

    def settings(self) -> list[dict[str, Any]]:
        """The combinations of values, without the strategy, each as keys of [finetune]."""
        named = {name: getattr(self, name) for name in self.names()}
        return [dict(zip(named, values)) for values in product(*named.values())]

    def names(self) -> list[str]:
        """The keys of [finetune] that have values to try."""
        return [name for name in ("learning_rate", "epochs") if getattr(self, name)]

    @property
    def is_set(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.learning_rate or self.epochs or self.strategy)


def choose(work: "Work") -> dict[str, Any]:
    """Takes over the network and the predictions of the best candidate.

    Args:
        work: the run's; its parameters have `candidates`, what each of them is, in the order of its inputs.

    Returns:
        Facts for the run's record: those of the candidate, `chosen`, and the AUROC of each, None where it diverged.

    Raises:
        Diverged: every candidate diverged.
    """
    from indomain.artifacts.record import read_record
    from indomain.errors import Diverged

    folders, classes = work.inputs["candidates"], work.params["classes"]
    records = [read_record(folder) for folder in folders]
    measured = [None if record.diverged else of_validation(folder, classes) for record, folder in zip(records, folders)]
    known = [number for number, value in enumerate(measured) if value is not None]
    if not known:
        raise Diverged(f"all {len(folders)} candidates, the first: {records[0].diverged}")
    best = max(known, key=lambda number: measured[number] or (0.0, 0.0))
    for name in KEPT:
        if (folders[best] / name).is_file():
            shutil.copyfile(folders[best] / name, work.folder / name)
    aurocs = [None if value is None else round(value[0], 4) for value in measured]
    return {**records[best].facts, "chosen": work.params["candidates"][best], "validation_auroc": aurocs}


def of_validation(folder: Any, classes: list[str]) -> tuple[float, float]:
    """The AUROC of a run's validation images, and their negative log loss, both better if greater.

    Args:
        folder: the folder of a finished run of fine-tuning.
        classes: names of the classes.
    """
    from indomain.artifacts import predictions

    table, y, scores = predictions.read(folder / "predictions.csv", classes)
    seen = (table["split"] == "val").to_numpy()
    return goodness(y[seen], scores[seen])


def goodness(y: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """AUROC and negative log loss, both better if greater: what choices among networks go by.

    Args:
        y: (n,), class numbers.
        scores: (n, classes).
    """
    from indomain import metrics

    auroc = float(metrics.evaluate(["auroc"], y, scores)["auroc"][0])
    likelihood = float(np.log(np.clip(scores[np.arange(len(y)), y], 1e-7, 1)).mean())
    # Of one class only there is no AUROC: the log loss decides.
    return (auroc if np.isfinite(auroc) else 0.5), likelihood
