"""The training loop: epochs that survive a kill, the best epoch or the last."""

import csv
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain import files
from indomain.errors import Diverged
from indomain.files import UNREADABLE
from indomain.progress import Note, silent
from indomain.training.batches import Batches
from indomain.training.model import Trainee, seed_states
from indomain.training.options import LearningOptions

SAVING = 0.01  # share of the time that saving may take: epochs much shorter than their saving are not all saved


def fit(
    trainee: Trainee,
    train: Batches,
    validation: Batches | None,
    options: LearningOptions,
    folder: Path,
    note: Note = silent,
    begin: Callable[[int], dict[str, float]] | None = None,
    measure: Callable[[], dict[str, float]] | None = None,
) -> list[dict[str, float]]:
    """Trains for `options.epochs`; goes on where a killed run stopped; leaves the chosen epoch's weights in the network.

    Args:
        folder: where `log.csv`, the curves for TensorBoard and, while it runs, `state.npz` are kept.
        note: told where it is, once an epoch.
        begin: called with each epoch's number, from 0, before it; it may give `train` other classes, which a resumed run
            gets back. What it returns stands in the epoch's row.
        measure: called after each epoch; what it returns stands in the row, and chooses nothing.

    Returns:
        One row an epoch: epoch, loss, the metrics, val_…, seconds.

    Raises:
        Diverged: the loss is no number any more; `log.csv` holds the epochs up to there.
    """
    keeper = _Keeper(trainee, train, options, validation is not None, folder, note, begin, measure)
    first = keeper.resume()
    if first < options.epochs:
        trainee.fit(
            train,
            validation_data=validation,
            epochs=options.epochs,
            initial_epoch=first,
            callbacks=[keeper],
            verbose=0,
            shuffle=False,
        )
    keeper.finish()
    return keeper.log


class _Keeper(keras.callbacks.Callback):
    """Writes the log, keeps the best weights, saves the state, stops at a loss that is no number."""

    def __init__(self, trainee, train, options, validated, folder, note, begin, measure) -> None:
        super().__init__()
        self.trainee, self.train, self.options, self.folder, self.note = trainee, train, options, folder, note
        self.begin, self.measure = begin, measure
        self.keep_best = validated and options.select == "best"
        self.log: list[dict[str, float]] = []
        self.best: list[np.ndarray] | None = None
        self.began = time.monotonic()
        self.saved, self.cost = -np.inf, 0.0
        self.curves: Any = None

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.train.epoch = epoch
        self.began = time.monotonic()
        self.said = self.begin(epoch) if self.begin else {}

    def on_epoch_end(self, epoch, logs=None) -> None:
        row = {name: float(value) for name, value in (logs or {}).items()} | self.said
        seconds = time.monotonic() - self.began
        if not np.isfinite(row["loss"]):
            self.log.append({"epoch": epoch + 1, **row, "seconds": round(seconds, 3)})
            self.leave()
            raise Diverged(
                f"the loss became {row['loss']} in epoch {epoch + 1} (learning_rate {self.options.learning_rate:g})"
            )
        row |= self.measure() if self.measure else {}
        now = time.monotonic()
        self.log.append({"epoch": epoch + 1, **row, "seconds": round(seconds, 3)})
        if self.keep_best and row["val_loss"] <= min(entry["val_loss"] for entry in self.log):
            self.best = [np.array(variable) for variable in self.trainee.network.weights]
        self.draw(self.log[-1])
        rate = self.train.images / max(seconds, 1e-9)
        text = " ".join(f"{name} {value:.3f}" for name, value in row.items())
        self.note(
            f"epoch {epoch + 1}/{self.options.epochs} {text} · {rate:.0f} images/s", (epoch + 1) / self.options.epochs
        )
        if epoch + 1 < self.options.epochs and now - self.saved > self.cost / SAVING:
            self.save()
            self.saved = time.monotonic()
            self.cost = self.saved - now

    def draw(self, row: dict[str, float]) -> None:
        """One epoch's numbers for TensorBoard."""
        if self.curves is None:
            from tensorboard.summary import Writer

            self.curves = Writer(str(self.folder / "tensorboard"))
        for name, value in row.items():
            if name != "epoch":
                self.curves.add_scalar(name, value, int(row["epoch"]))
        self.curves.flush()

    def save(self) -> None:
        state = {f"variable{i}": np.array(v) for i, v in enumerate(self._variables())}
        best = {f"best{i}": value for i, value in enumerate(self.best or [])}
        log = {"log": np.array(_csv_text(self.log))}
        given = {"y": self.train.y, "weights": self.train.weights} if self.begin else {}
        files.write_arrays(self.folder / "state.npz", {**state, **best, **log, **given})

    def resume(self) -> int:
        """Puts a saved state back; returns the number of epochs already done."""
        # The curves are drawn again from the log: two files of one training would show some epochs twice.
        shutil.rmtree(self.folder / "tensorboard", ignore_errors=True)
        path = self.folder / "state.npz"
        if not path.is_file():
            return 0
        try:
            with np.load(path, allow_pickle=False) as state:
                saved = {name: state[name] for name in state.files}
            values = [saved[f"variable{number}"] for number in range(len(self._variables()))]
        except UNREADABLE as error:
            print(f"{path} cannot be read ({error}): the training begins anew.", file=sys.stderr)
            return 0
        for variable, value in zip(self._variables(), values):
            variable.assign(value)
        if self.begin:
            self.train.give(saved["y"], saved["weights"])
        self.best = [saved[f"best{i}"] for i in range(sum(name.startswith("best") for name in saved))] or None
        rows = list(csv.DictReader(str(saved["log"]).splitlines()))
        self.log = [
            {name: int(value) if name == "epoch" else float(value) for name, value in row.items() if value}
            for row in rows
        ]
        for row in self.log:
            self.draw(row)
        return len(self.log)

    def finish(self) -> None:
        if self.keep_best and self.best is not None:
            for variable, value in zip(self.trainee.network.weights, self.best):
                variable.assign(value)
        self.leave()

    def leave(self) -> None:
        """Leaves the log and the curves, and nothing to go on from."""
        if self.curves is not None:
            self.curves.close()
        files.write_text(self.folder / "log.csv", _csv_text(self.log))
        (self.folder / "state.npz").unlink(missing_ok=True)

    def _variables(self) -> list:
        return [*self.trainee.network.weights, *seed_states(self.trainee), *self.trainee.optimizer.variables]


def _csv_text(rows: list[dict[str, float]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names)] + [",".join(repr(row[name]) if name in row else "" for name in names) for row in rows]
    return "\n".join(lines) + "\n"


def facts(log: list[dict[str, float]], images: int) -> dict[str, Any]:
    """What a run's record says of a training: images, epochs, the chosen epoch, images a second."""
    seconds = sum(row["seconds"] for row in log)
    chosen = min(log, key=lambda row: row.get("val_loss", -row["epoch"]))
    return {
        "images": images,
        "epochs": len(log),
        "chosen_epoch": int(chosen["epoch"]),
        "images_per_second": round(images * len(log) / max(seconds, 1e-9), 1),
    }
