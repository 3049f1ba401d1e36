"""Batches: against Keras' own reader of image folders, against no feeding at all, and a whole epoch against `fit`."""

import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from benchmarks.preparing import manifest, pictures
from benchmarks.ratios import compare, write
from indomain.data.image_store import ImageStore
from indomain.data.preparing import prepare
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.training.batches import Batches
from indomain.training.model import TrainingModel, compiled
from indomain.training.options import TrainingOptions
from indomain.training.trainer import Trainer


def feed(batches: Batches) -> None:
    for number in range(len(batches)):
        batches[number]


def reading(root: Path) -> dict[str, Any]:
    """224 pixels, shuffled: from the prepared set, and from the JPEG files that it was made of."""
    pictures(root / "jpeg", 600, 500)
    done = prepare(manifest(root / "jpeg"), Path(), root / "cache", (224, 224), quiet=True)
    number = done.info["images"]
    ours = Batches(
        ImageStore(done.folder / "images.npy", 3), np.arange(number), np.zeros(number, int), batch=32, seed=0
    )
    theirs = keras.utils.image_dataset_from_directory(
        root / "jpeg", image_size=(224, 224), batch_size=32, shuffle=True, seed=0, verbose=False
    )
    seconds, other, ratio = compare(lambda: feed(ours), lambda: [None for _ in theirs])
    what = "feed 600 images, 224 px, shuffled; times as fast as image_dataset_from_directory on 500 px JPEG"
    return {"what": what, "ours": round(seconds, 3), "other": round(other, 3), "ratio": round(ratio, 1), "limit": 20}


def training_model(augment: str, name: str = "squeezenet", side: int = 64) -> TrainingModel:
    backbone = architecture.backbone(Architecture(name, 1.0, (side, side, 3)))
    weights.initialise(backbone, 0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network = architecture.with_head(backbone, 2, 0.5)
    return compiled(TrainingModel(network, augment), TrainingOptions(), loss=loss, weighted_metrics=["accuracy"])


class Same(Batches):
    """The same batch again and again, from memory: an epoch without feeding."""

    def __getitem__(self, number: int) -> tuple:
        if not hasattr(self, "kept"):
            self.kept = super().__getitem__(0)
        return self.kept


def waiting(root: Path) -> dict[str, Any]:
    """The share of a training's time that feeding adds, with basic augmentation, 224 pixels."""
    path = next((root / "cache").glob("*/images.npy"))
    read = ImageStore(path, 3)
    rows, y = np.arange(320), np.arange(320) % 2
    model = training_model("basic", side=224)
    fed, kept = (kind(read, rows, y, batch=32, seed=0) for kind in (Batches, Same))

    def epoch(batches: Batches):
        return lambda: model.fit(batches, verbose=0, shuffle=False)

    seconds, other, ratio = compare(epoch(fed), epoch(kept), 7)
    share = max(0.0, 100 * (1 - ratio))
    what = "share of an epoch spent waiting for batches, squeezenet 224 px, basic augmentation, %"
    return {"what": what, "ours": round(seconds, 3), "other": round(other, 3), "ratio": round(share, 2), "limit": "< 3"}


def loop(root: Path) -> dict[str, Any]:
    """Our loop, reading from disk, logging, drawing curves and saving, against bare `fit` on arrays in memory."""
    number = 1920
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, (number, 64, 64, 3), np.uint8)
    np.save(root / "images.npy", array)
    y = np.arange(number) % 2
    model = training_model("none")
    batches = Batches(ImageStore(root / "images.npy", 3), np.arange(number), y, batch=32, seed=0)
    weights, folder = np.ones(number, np.float32), root / "run"
    folder.mkdir()

    def ours() -> None:
        Trainer(TrainingOptions(epochs=3), 0, folder).fit(model, batches)

    def bare() -> None:
        model.fit(array, y, sample_weight=weights, batch_size=32, epochs=3, verbose=0)

    seconds, other, ratio = compare(ours, bare, 7)
    what = "three epochs of our loop, squeezenet 64 px, 1920 images; times as fast as bare model.fit on arrays"
    return {"what": what, "ours": round(seconds, 3), "other": round(other, 3), "ratio": round(ratio, 3), "limit": 0.97}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write("feeding", [row(Path(folder)) for row in (reading, waiting, loop)])


if __name__ == "__main__":
    main()
