"""The most memory of a process that trains from a prepared set of 100, 10,000 and 200,000 images.

Once with the allocator that a user gets, once with glibc alone: both keep what is freed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.ratios import write
from indomain.runs import allocator

SIZES = (100, 10_000, 200_000)
TIMES = int(os.environ.get("TIMES", "5"))
PROGRAM = """
import sys
from pathlib import Path
from indomain import backend
from indomain.runs import allocator
allocator.tune_glibc()
backend.import_keras()
import keras, numpy as np
from indomain.data.image_store import ImageStore
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.runs.memory import peak_memory_mb, reset_peak_memory
from indomain.training.batches import Batches
from indomain.training.model import TrainingModel, compiled
from indomain.training.options import TrainingOptions
from indomain.training.trainer import Trainer
path, number = Path(sys.argv[1]), int(sys.argv[2])
backbone = architecture.backbone(Architecture("dcnn-light", 0.125, (32, 32, 1)))
weights.initialise(backbone, 0)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model = compiled(TrainingModel(architecture.with_head(backbone, 2, 0.5), "none"), TrainingOptions(), loss=loss)
rows = np.arange(number)
batches = Batches(ImageStore(path, 1), rows, rows % 2, batch=256, seed=0)
reset_peak_memory()
Trainer(TrainingOptions(epochs=1), 0, path.parent).fit(model, batches)
print(peak_memory_mb())
"""


def peak(path: Path, number: int, environment: dict[str, str]) -> float:
    """MB; the process reads every image once."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(number)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **environment})
    return float(done.stdout)


def measured(path: Path, environment: dict[str, str], where: str = "") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    found = [[peak(path, number, environment) for number in SIZES] for _ in range(TIMES)]
    for place, number in enumerate(SIZES[1:], start=1):
        ours, least = median(line[place] for line in found), median(line[0] for line in found)
        ratio = median(line[place] / line[0] for line in found)
        what = f"memory of training on {number} images of 32 px against {SIZES[0]}, MB, median of {TIMES}{where}"
        rows.append({"what": what, "ours": round(ours), "other": round(least), "ratio": round(ratio, 3), "limit": 1.1})
    return rows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        rng = np.random.default_rng(0)
        np.save(path, rng.integers(0, 256, (max(SIZES), 32, 32), np.uint8))
        rows = measured(path, allocator.environment())
        if allocator.environment():
            rows += measured(path, {"INDOMAIN_ALLOCATOR": "glibc"}, ", nothing preloaded")
    write("memory", rows)


if __name__ == "__main__":
    main()
