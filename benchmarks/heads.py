"""What a new head begins with and how fast it learns: fine-tuning on few labels, by the AUROC of many other images.

The training knees of `mini/knee`, KL0 against KL2–4: 80 labels a class to learn from and 20 to choose the epoch on, drawn anew
each time, and other patients to judge by. The official test knees, which recipes report, choose no default. Each variant changes
one thing less from the papers' head, which is drawn at random behind dropout and learns ten times as fast, to the strict
profile's. The frozen networks learn from the 160 labels. Reads the stand-ins under INDOMAIN_DATA.
"""

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.ratios import write
from finetune import full, off_the_shelf
from finetune.plan import Options
from indomain.networks import architecture, inference, weights
from indomain.networks.options import Architecture
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer

DATA = Path(os.environ.get("INDOMAIN_DATA", "../shared/data"))
NETWORKS = ("squeezenet", "efficientnet-lite0")
DRAWS, JUDGED = 3, 1200
HOW: dict[str, Any] = {"epochs": 15, "batch": 16, "learning_rate": 3e-4, "augment": "basic"}
HEADS = {
    "drawn, ten times as fast, dropout": {"head_init": "glorot", "head_lr_factor": 10.0, "dropout": 0.5},
    "drawn, dropout": {"head_init": "glorot", "dropout": 0.5},
    "zeros, dropout": {"dropout": 0.5},
    "zeros": {},
}


def knees() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training images (n, 64, 64, 3), whether each has osteoarthritis, and patients; doubtful knees are left out."""
    with np.load(DATA / "knee_kl.npz") as archive:
        names = archive["class_names"][archive["train_labels"]]
        images, groups = archive["train_images"], archive["train_groups"]
    kept = names != "KL1_doubtful"
    return np.repeat(images[kept, ..., None], 3, axis=3), (names[kept] != "KL0_none").astype(int), groups[kept]


def main() -> None:
    everything, y, groups = knees()
    rows = []
    for name in NETWORKS:
        spec = Architecture(name, 1.0, (64, 64, 3), 96)
        measured: dict[str, list[float]] = {}
        for draw in range(DRAWS):
            order = np.random.default_rng(draw).permutation(len(y))
            chosen = np.concatenate([order[y[order] == label][:100] for label in (0, 1)])
            judged = order[~np.isin(groups[order], groups[chosen])][:JUDGED]
            table = pd.DataFrame({"row": chosen, "y": y[chosen], "split": (["train"] * 80 + ["val"] * 20) * 2})
            examples = Examples(lambda rows: everything[rows], table)
            for head, changes in {**HEADS, "frozen, logistic regression": None}.items():
                backbone = architecture.backbone(spec)
                weights.start(backbone, spec, "imagenet", draw)
                options = Options(**{**HOW, **(changes or {})})
                fit = off_the_shelf.fit if changes is None else full.fit
                with tempfile.TemporaryDirectory() as folder:
                    network, _ = fit(backbone, examples, 2, Trainer(options, draw, Path(folder)))
                logits = inference.predict(network, lambda rows: everything[rows], judged)
                auroc = float(roc_auc_score(y[judged], logits[:, 1] - logits[:, 0]))
                measured.setdefault(head, []).append(auroc)
                print(f"{name}, draw {draw}, {head}: {auroc:.3f}", flush=True)
        for head, values in measured.items():
            rows.append(
                {"network": f"{name}-96px", "head": head, "auroc": round(float(np.mean(values)), 3)}
                | {"lowest": round(min(values), 3), "highest": round(max(values), 3), "draws": DRAWS}
            )
    write("heads", rows)
