"""`predictions.csv`: one row per image, one score column per class. Stages 2 and 3 write it, the later ones read it."""

from pathlib import Path

import numpy as np
import pandas as pd

from indomain import files

KNOWN = ["id", "patient", "study", "image", "group", "split"]
TEXT = {name: str for name in (*KNOWN, "label")}


def write(path: Path, rows: pd.DataFrame, scores: np.ndarray, classes: list[str]) -> None:
    """Writes the columns `id, patient, study, image, group, split, label, score_<class>...`.

    Args:
        path: the file.
        rows: columns `id`, `patient`, `study`, `image` (the source image of a patch), `group`, `split` and `y` (class
            number); one row per image.
        scores: float (n, classes); each row sums to 1.
        classes: class names by class number; `label` is the name of the true class.
    """
    table = rows[KNOWN].copy()
    table["label"] = np.array(classes)[rows["y"].to_numpy()]
    for number, name in enumerate(classes):
        # Eight decimals exceed the precision of a network's scores, float32, and a fixed format keeps the file the same for the
        # same network. A classifier's scores, float64, are written in full: rounded, they would no longer rank every image.
        as_text = "" if scores.dtype == np.float64 else ".8f"
        table[f"score_{name}"] = [format(value, as_text) for value in scores[:, number]]
    with files.written(path) as temporary:
        table.to_csv(temporary, index=False)


def read(path: Path, classes: list[str]) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """The rows of a file, their true class numbers (n,), and their scores (n, classes).

    Args:
        path: the file.
        classes: class names by class number.
    """
    table = pd.read_csv(path, dtype=TEXT, keep_default_na=False, float_precision="round_trip")
    y = np.array([classes.index(label) for label in table["label"]], int)
    return table, y, table[[f"score_{name}" for name in classes]].to_numpy(float)
