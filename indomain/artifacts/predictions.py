"""Predictions: one line an image, one column of score a class. Written by stages 2 and 3, read by stage 5."""

from pathlib import Path

import numpy as np
import pandas as pd

from indomain import files

KNOWN = ["id", "patient", "study", "image", "group", "split"]
TEXT = {name: str for name in (*KNOWN, "label")}


def write(path: Path, rows: pd.DataFrame, scores: np.ndarray, classes: list[str]) -> None:
    """Writes `id, patient, study, image, group, split, label, score_<class>...`.

    Args:
        rows: `id`, `patient`, `study`, `image` (the picture that a patch was cut from), `group`, `split` and `y` of each
            image.
        scores: (images, classes), each row of sum 1.
        classes: names by class number; `label` is the true one's.
    """
    table = rows[KNOWN].copy()
    table["label"] = np.array(classes)[rows["y"].to_numpy()]
    for number, name in enumerate(classes):
        # Eight digits are more than float32 has; the file is the same for the same network.
        table[f"score_{name}"] = [f"{value:.8f}" for value in scores[:, number]]
    with files.written(path) as temporary:
        table.to_csv(temporary, index=False)


def read(path: Path, classes: list[str]) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The rows of a file, their true class numbers, and their scores (images, classes)."""
    table = pd.read_csv(path, dtype=TEXT, keep_default_na=False)
    y = np.array([classes.index(label) for label in table["label"]], int)
    return table, y, table[[f"score_{name}" for name in classes]].to_numpy(float)
