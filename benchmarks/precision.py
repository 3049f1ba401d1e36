"""What 16-bit arithmetic and deterministic operations cost: training steps against float32 as it is."""

import subprocess
import sys
from statistics import median
from typing import Any

from benchmarks.ratios import seconds_of, write

NETWORKS = [("squeezenet", 1.0), ("dcnn", 0.25), ("mobilenetv2", 1.0)]
OTHERS = {"bfloat16": {"precision": "bfloat16"}, "deterministic": {"precision": "float32", "deterministic": True}}


def worker(name: str, width: float, compute: dict[str, Any]) -> None:
    """Prints the seconds of ten training steps for every line that it reads."""
    import keras
    import numpy as np

    from indomain import backend
    from indomain.networks import architecture
    from indomain.networks.options import Architecture
    from indomain.training.model import TrainingModel, compiled
    from indomain.training.options import TrainingOptions

    backend.configure({"backend": backend.name(), **compute})
    backbone = architecture.backbone(Architecture(name, width, (64, 64, 3)))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = compiled(TrainingModel(architecture.with_head(backbone, 2, 0.5), "basic"), TrainingOptions(), loss=loss)
    images, y = np.random.default_rng(0).integers(0, 256, (32, 64, 64, 3)).astype(np.uint8), np.arange(32) % 2

    def steps() -> None:
        for _ in range(10):
            model.train_on_batch(images, y)

    steps()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(seconds_of(steps), flush=True)


def start(name: str, width: float, compute: dict[str, Any]) -> subprocess.Popen:
    program = f"from benchmarks.precision import worker; worker({name!r}, {width}, {compute!r})"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline()
    return process


def ask(process: subprocess.Popen) -> float:
    assert process.stdin and process.stdout
    print("go", file=process.stdin, flush=True)
    return float(process.stdout.readline())


def main() -> None:
    rows: list[dict[str, Any]] = []
    for name, width in NETWORKS:
        for what, compute in OTHERS.items():
            plain, other = start(name, width, {"precision": "float32"}), start(name, width, compute)
            pairs = [(ask(other), ask(plain)) for _ in range(6)][1:]
            for process in (plain, other):
                process.communicate()
            ours, theirs = (round(320 / median(pair[side] for pair in pairs)) for side in (0, 1))
            ratio = round(median(b / a for a, b in pairs), 2)
            said = f"training {name} width {width:g}, 64 px, {what}; times as fast as float32"
            rows.append(
                {"what": said, "ours": f"{ours} images/s", "other": f"{theirs} images/s", "ratio": ratio, "limit": ""}
            )
    write("precision", rows)


if __name__ == "__main__":
    main()
