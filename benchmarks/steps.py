"""A training step against eager PyTorch: the same network, batch, optimizer, threads and allocator, in two processes.

PyTorch has an environment of its own (`make bench` makes it); each process waits for a word, does its steps and says how
long they took.
"""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.ratios import write
from indomain.runs import allocator

HERE = Path(__file__).resolve().parent
TORCH = Path(os.environ.get("TORCH_PYTHON") or HERE.parent / ".venv-torch" / "bin" / "python")
NETWORKS = [("squeezenet", 1.0), ("dcnn", 0.25), ("resnet50", 1.0)]
SIDE, BATCH, STEPS = 64, 32, 10


class Worker:
    """A process that prints how many weights it trains, then what it has measured, one line for every line it reads."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        given = {**os.environ, **(environment or {})}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=given)
        self.weights = int(self._answer())

    def numbers(self) -> list[float]:
        assert self.process.stdin
        print("go", file=self.process.stdin, flush=True)
        return [float(word) for word in self._answer().split()]

    def _answer(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self.process.args)} ended")  # type: ignore[arg-type]
        return line

    def end(self) -> None:
        self.process.communicate()


def ours(name: str, width: float) -> None:
    """The Keras process: prints the number of weights, then seconds of STEPS steps for every line that it reads."""
    import keras
    import numpy as np

    from benchmarks.ratios import seconds_of
    from indomain.networks import architecture
    from indomain.networks.options import Architecture
    from indomain.training.model import TrainingModel, compiled
    from indomain.training.options import TrainingOptions

    allocator.tune_glibc()
    backbone = architecture.backbone(Architecture(name, width, (SIDE, SIDE, 3)))
    network = architecture.with_head(backbone, 2, 0.5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = compiled(TrainingModel(network, "none"), TrainingOptions(), loss=loss)
    images = np.random.default_rng(0).integers(0, 256, (BATCH, SIDE, SIDE, 3)).astype(np.uint8)
    batch = [(images, np.arange(BATCH) % 2)]

    def steps() -> None:
        for _ in range(STEPS):
            model.train_on_batch(*batch[0])

    print(sum(int(np.prod(weight.shape)) for weight in network.trainable_weights), flush=True)
    steps()
    for _ in sys.stdin:
        print(seconds_of(steps), flush=True)


def main() -> None:
    if not TORCH.is_file():
        print(f"steps: no PyTorch at {TORCH}; `make bench` installs it.")
        return
    rows: list[dict[str, Any]] = []
    for name, width in NETWORKS:
        chosen = allocator.environment()
        keras_worker = Worker([sys.executable, "-m", "benchmarks.steps", name, str(width)], chosen)
        torch_worker = Worker(
            [str(TORCH), str(HERE / "torch_steps.py"), name, str(width), str(SIDE), str(BATCH), str(STEPS)],
            chosen,
        )
        assert keras_worker.weights == torch_worker.weights, "not the same network"
        pairs = [(*keras_worker.numbers(), *torch_worker.numbers()) for _ in range(8)][1:]
        first, second = (median(pair[side] for pair in pairs) for side in (0, 1))
        rows.append(
            {
                "what": f"training step, {name} width {width:g}, {SIDE} px, batch {BATCH}, float32; times as fast as PyTorch",
                "ours": f"{STEPS * BATCH / first:.0f} images/s",
                "other": f"{STEPS * BATCH / second:.0f} images/s",
                "ratio": round(median(b / a for a, b in pairs), 2),
                "limit": 1.0,
            }
        )
        keras_worker.end(), torch_worker.end()
    write("steps", rows)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        ours(sys.argv[1], float(sys.argv[2]))
    else:
        main()
