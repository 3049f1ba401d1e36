"""The training loop: saves its state, resumes after a kill, and ends with the weights of the best epoch or the last."""

import csv
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain import backend, files
from indomain.errors import Diverged
from indomain.files import UNREADABLE
from indomain.progress import Progress, silent
from indomain.training.batches import Batches
from indomain.training.model import TrainingModel, seed_states, set_schedule

SAVING = 0.01  # share of the time that may be spent on saving; very short epochs are therefore not all saved


class Trainer:
    """Trains models for `options.epochs` epochs, and resumes where a killed run stopped.

    Args:
        options: `LearningOptions` or `TrainingOptions`: number of epochs, batch size, learning rate, which epoch is
            used.
        seed: seed of everything random in a run.
        folder: where `log.csv`, the curves for TensorBoard and, during training, `state.npz` are kept.
        progress: called once per epoch with a text and the share of the epochs done.
        after_epoch: called after each epoch; the values it returns are logged, but do not influence which epoch is
            used.
    """

    def __init__(
        self,
        options: Any,
        seed: int,
        folder: Path,
        progress: Progress = silent,
        after_epoch: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.options, self.seed, self.folder = options, seed, folder
        self.progress, self.after_epoch = progress, after_epoch

    def fit(
        self,
        model: TrainingModel,
        train: Batches,
        validation: Batches | None = None,
        before_epoch: Callable[[int], dict[str, float]] | None = None,
    ) -> dict[str, Any]:
        """Trains a model; leaves the weights of the chosen epoch in its network.

        Args:
            model: reset, its network filled with initial weights.
            train: the batches to learn from.
            validation: the batches that choose the epoch if `options.select` is "best".
            before_epoch: called before each epoch with its number, from 0. It may give `train` other classes, which a
                resumed run restores. The values it returns are logged.

        Returns:
            Facts for the run's record: images, epochs, the epoch whose weights were left, images per second.

        Raises:
            Diverged: the loss is not finite; `log.csv` holds the epochs up to and including this one.
        """
        set_schedule(model, self.options, self.options.epochs * len(train))
        keeper = _Keeper(self, model, train, validation is not None, before_epoch)
        first = keeper.resume()
        if first < self.options.epochs and not keeper.has_stopped:
            model.fit(
                backend.fed(train),
                validation_data=None if validation is None else backend.fed(validation),
                epochs=self.options.epochs,
                initial_epoch=first,
                callbacks=[keeper],
                verbose=0,
                shuffle=False,
            )
        chosen = keeper.finish()
        return _facts(keeper.log, chosen, train.images)


class _Keeper(keras.callbacks.Callback):
    """Writes the log, keeps the best weights, saves the state, and stops when the loss is not finite."""

    def __init__(self, trainer: Trainer, model: TrainingModel, train: Batches, validated: bool, before_epoch) -> None:
        super().__init__()
        self.trainer, self.training_model, self.train, self.before_epoch = trainer, model, train, before_epoch
        self.options, self.folder = trainer.options, trainer.folder
        self.keep_best = validated and self.options.select == "best"
        self.log: list[dict[str, float]] = []
        self.best: list[np.ndarray] | None = None
        self.began = time.monotonic()
        self.saved, self.cost = -np.inf, 0.0
        self.curves: Any = None

    def on_epoch_begin(self, epoch, logs=None) -> None:
        self.train.epoch = epoch
        self.began = time.monotonic()
        self.announced = self.before_epoch(epoch) if self.before_epoch else {}

    def on_epoch_end(self, epoch, logs=None) -> None:
        row = {name: float(value) for name, value in (logs or {}).items()} | self.announced
        seconds = time.monotonic() - self.began
        if not np.isfinite(row["loss"]):
            self.log.append({"epoch": epoch + 1, **row, "seconds": round(seconds, 3)})
            self.leave()
            raise Diverged(
                f"the loss became {row['loss']} in epoch {epoch + 1} (learning_rate {self.options.learning_rate:g})"
            )
        row |= self.trainer.after_epoch() if self.trainer.after_epoch else {}
        now = time.monotonic()
        self.log.append({"epoch": epoch + 1, **row, "seconds": round(seconds, 3)})
        if self.keep_best and best_epoch(self.log) == epoch + 1:
            self.best = [np.array(variable) for variable in self.training_model.network.weights]
        self.model.stop_training = self.has_stopped
        self.draw(self.log[-1])
        rate = self.train.images / max(seconds, 1e-9)
        text = " ".join(f"{name} {value:.3f}" for name, value in row.items())
        done = (epoch + 1) / self.options.epochs
        self.trainer.progress(f"epoch {epoch + 1}/{self.options.epochs} {text} · {rate:.0f} images/s", done)
        if epoch + 1 < self.options.epochs and not self.has_stopped and now - self.saved > self.cost / SAVING:
            self.save()
            self.saved = time.monotonic()
            self.cost = self.saved - now

    @property
    def has_stopped(self) -> bool:
        """Whether the validation loss has been lowest so long ago that no more is to be expected."""
        patience = getattr(self.options, "patience", 0)
        if not (self.keep_best and patience and self.log):
            return False
        return len(self.log) - (best_epoch(self.log) or 0) >= patience

    def draw(self, row: dict[str, float]) -> None:
        """Writes one epoch's values for TensorBoard."""
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
        labels = {"y": self.train.y, "weights": self.train.weights} if self.before_epoch else {}
        files.write_arrays(self.folder / "state.npz", {**state, **best, **log, **labels})
        files.write_json(self.folder / "saved.json", {"epochs": len(self.log)})

    def resume(self) -> int:
        """Restores a saved state; returns the number of epochs already done."""
        # The curves are rewritten from the log: TensorBoard would show some epochs twice if there were two files.
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
        if self.before_epoch:
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

    def finish(self) -> int:
        """Restores the weights of the best epoch if they were kept; returns the epoch that the network's weights are of."""
        chosen = None
        if self.keep_best and self.best is not None:
            chosen = best_epoch(self.log)
            for variable, value in zip(self.training_model.network.weights, self.best):
                variable.assign(value)
        self.leave()
        return chosen or len(self.log)

    def leave(self) -> None:
        """Writes the log, closes the curves and removes the saved state, which is no longer needed."""
        if self.curves is not None:
            self.curves.close()
        files.write_text(self.folder / "log.csv", _csv_text(self.log))
        for name in ("state.npz", "saved.json"):
            (self.folder / name).unlink(missing_ok=True)

    def _variables(self) -> list:
        return [
            *self.training_model.network.weights,
            *seed_states(self.training_model),
            *self.training_model.optimizer.variables,
        ]


def _csv_text(rows: list[dict[str, float]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names)] + [",".join(repr(row[name]) if name in row else "" for name in names) for row in rows]
    return "\n".join(lines) + "\n"


def best_epoch(log: list[dict[str, float]]) -> int | None:
    """The epoch of the lowest validation loss, and the latest of several; None if no epoch has a finite one.

    Args:
        log: one row per epoch, in their order: `epoch`, `val_loss`.
    """
    finite = [row for row in log if np.isfinite(row["val_loss"])]
    return int(min(reversed(finite), key=lambda row: row["val_loss"])["epoch"]) if finite else None


def _facts(log: list[dict[str, float]], chosen: int, images: int) -> dict[str, Any]:
    """What a run's record holds about a training: images, epochs, the chosen epoch, images per second."""
    seconds = sum(row["seconds"] for row in log)
    return {
        "images": images,
        "epochs": len(log),
        "chosen_epoch": chosen,
        "images_per_second": round(images * len(log) / max(seconds, 1e-9), 1),
    }
