"""What an epoch of each objective costs: 2,000 pictures of 64 px, `dcnn` at a quarter of its width; SimCLR against labels.

An epoch's seconds are those of its log, on a quarter of the pictures and times four; objectives take turns.
"""

import tempfile
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ratios import write
from indomain.errors import look_up
from indomain.networks import architecture, weights
from indomain.networks.options import Architecture
from indomain.training.trainer import Trainer
from pretrain.objectives import OBJECTIVES
from pretrain.step import PretrainingStep

ARCHITECTURE = Architecture("dcnn", 0.25, (64, 64, 3))
IMAGES, PART, BATCH = 2000, 512, 64


class Source:
    """What an objective sees of its data: coarse noise, of two classes and two origins."""

    def __init__(self) -> None:
        small = np.random.default_rng(0).integers(0, 256, (PART, 8, 8, 3), dtype=np.uint8)
        self.arrays = small.repeat(8, axis=1).repeat(8, axis=2)
        self.info = SimpleNamespace(classes=["a", "b"], origins=["a", "b"])

    def table(self) -> pd.DataFrame:
        y = np.arange(PART) % 2
        return pd.DataFrame({"row": np.arange(PART), "y": y, "split": "train", "origin": np.array(["a", "b"])[y]})

    def masks(self) -> None:
        return None

    def images(self, channels: int) -> Any:
        return lambda rows: self.arrays[rows]


def epoch_seconds(name: str, source: Any) -> float:
    """Seconds of an epoch over 2,000 pictures; the first epoch of a process also builds and traces."""
    objective = OBJECTIVES[name]
    given: dict[str, Any] = {"augment": "basic"} if name.endswith("supervised") else {}
    given |= {"auxiliary": {"block1_concat": 0.3}} if name == "deeply-supervised" else {}
    options = objective.options(epochs=1, batch=BATCH, **given)
    backbone = architecture.backbone(ARCHITECTURE)
    weights.initialise(backbone, 0)
    learn = look_up({name: objective.function}, name, "objective")
    with tempfile.TemporaryDirectory() as folder:
        learn(PretrainingStep(backbone, source, Trainer(options, 0, Path(folder))))
        return float(pd.read_csv(Path(folder) / "log.csv")["seconds"].iloc[-1]) * IMAGES / PART


def main() -> None:
    source = Source()
    seconds: dict[str, list[float]] = {name: [] for name in OBJECTIVES}
    for _ in range(6):
        for name, found in seconds.items():
            found.append(epoch_seconds(name, source))
    kept = {name: found[1:] for name, found in seconds.items()}
    rows: list[dict[str, Any]] = [
        {"what": f"an epoch of {name}, seconds", "ours": round(median(found), 1), "other": "", "ratio": "", "limit": 60}
        for name, found in kept.items()
    ]
    ratio = median(a / b for a, b in zip(kept["simclr"], kept["supervised"]))
    ours, other = (f"{median(kept[name]):.1f} s" for name in ("simclr", "supervised"))
    rows.append(
        {
            "what": "an epoch of simclr against supervised",
            "ours": ours,
            "other": other,
            "ratio": round(ratio, 2),
            "limit": 2.4,
        }
    )
    write("pretexts", rows)


if __name__ == "__main__":
    main()
