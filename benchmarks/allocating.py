"""`fit` with memory that stays with the process: against the same steps without `fit`, and against the system's allocator.

Each allocator has a process of its own, and they are asked in turn.
"""

import os
import resource
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.ratios import write
from benchmarks.steps import Worker
from indomain.runs import allocator

# Name, width, images an epoch.
NETWORKS = [("squeezenet", 1.0, 1920), ("dcnn", 0.125, 960)]
TIMES = int(os.environ.get("TIMES", "7"))


def work(name: str, width: float, number: int) -> None:
    """The process: for every line that it reads, seconds of an epoch, of its steps alone, and page faults of the epoch."""
    from indomain import backend

    allocator.tune_glibc()
    backend.import_keras()
    import keras
    import numpy as np

    from benchmarks.ratios import seconds_of
    from indomain.data.image_store import ImageStore
    from indomain.networks import architecture, weights
    from indomain.networks.options import Architecture
    from indomain.training.batches import Batches
    from indomain.training.model import TrainingModel, compiled
    from indomain.training.options import TrainingOptions
    from indomain.training.trainer import Trainer

    backbone = architecture.backbone(Architecture(name, width, (64, 64, 3)))
    weights.initialise(backbone, 0)
    model = TrainingModel(architecture.with_head(backbone, 2, 0.5), "none")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    compiled(model, TrainingOptions(), loss=loss, weighted_metrics=["accuracy"])
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        np.save(folder / "images.npy", np.random.default_rng(0).integers(0, 256, (number, 64, 64, 3), np.uint8))
        rows = np.arange(number)
        batches = Batches(ImageStore(folder / "images.npy", 3), rows, rows % 2, batch=32, seed=0)
        ready = [batches[place] for place in range(len(batches))]

        def epoch() -> None:
            Trainer(TrainingOptions(epochs=1), 0, folder).fit(model, batches)

        def steps() -> None:
            model.reset_metrics()
            for batch in ready:
                model.train_on_batch(*batch)

        epoch(), steps()
        print(sum(int(np.prod(weight.shape)) for weight in model.trainable_weights), flush=True)
        for _ in sys.stdin:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            seconds = seconds_of(epoch)
            faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
            print(seconds, seconds_of(steps), faults, flush=True)


def measured(name: str, width: float, number: int) -> list[dict[str, Any]]:
    """Three rows for every way to keep memory that this machine offers."""
    ways = {"nothing preloaded": {"INDOMAIN_ALLOCATOR": "glibc"}}
    if allocator.environment():
        ways = {f"{allocator.find()} preloaded": allocator.environment(), **ways}
    command = [sys.executable, "-m", "benchmarks.allocating", name, str(width), str(number)]
    as_it_is = Worker(command, {"INDOMAIN_ALLOCATOR": "system"})
    workers = {way: Worker(command, environment) for way, environment in ways.items()}
    turns = [(as_it_is.numbers(), {way: worker.numbers() for way, worker in workers.items()}) for _ in range(TIMES)]
    for worker in (as_it_is, *workers.values()):
        worker.end()

    def rate(seconds: list[float]) -> str:
        return f"{number / median(seconds):.0f} images/s"

    rows: list[dict[str, Any]] = []
    theirs = [found for found, _ in turns]
    for way in ways:
        ours = [found[way] for _, found in turns]
        network = f"{name} width {width:g}, 64 px, batch 32; {way}"
        rows += [
            {
                "what": f"training under fit, {network}; times as fast as the same steps without fit",
                "ours": rate([fit for fit, _, _ in ours]),
                "other": rate([steps for _, steps, _ in ours]),
                "ratio": round(median(steps / fit for fit, steps, _ in ours), 2),
                "limit": 0.95,
            },
            {
                "what": f"page faults an image under fit, {network}; times as many with the system's allocator as it is",
                "ours": round(median(faults / number for _, _, faults in ours), 1),
                "other": round(median(faults / number for _, _, faults in theirs), 1),
                "ratio": round(median(there[2] / max(here[2], 1) for here, there in zip(ours, theirs))),
                "limit": "< 20 faults",
            },
            {
                "what": f"training under fit, {network}; times as fast as with the system's allocator as it is",
                "ours": rate([fit for fit, _, _ in ours]),
                "other": rate([fit for fit, _, _ in theirs]),
                "ratio": round(median(there[0] / here[0] for here, there in zip(ours, theirs)), 2),
                "limit": 1.7,
            },
        ]
    return rows


def main() -> None:
    write("allocating", [row for network in NETWORKS for row in measured(*network)])


if __name__ == "__main__":
    if len(sys.argv) == 4:
        work(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
