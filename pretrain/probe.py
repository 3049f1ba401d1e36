"""A probe of the features during pretraining: nearest neighbours on a few labelled images. It chooses nothing."""

from collections.abc import Callable

import keras
import numpy as np

from indomain.data.split import Split
from indomain.networks import inference

MOST = 500  # images: a probe must cost little compared with an epoch
NEIGHBOURS = 5


def measure(backbone: keras.Model, split: Split) -> Callable[[], dict[str, float]]:
    """A function that measures how well the backbone's current features separate the classes of a labelled set.

    Only training and validation images of the first fold are used. Some of them are test images of other folds, which is
    harmless because the result chooses nothing.

    Args:
        backbone: images 0–255 to features (n, d); read whenever the function is called.
        split: the target's.
    """
    table = split.table()
    table = table[table["split"].isin(["train", "val"])].sort_values("rank").head(MOST)
    rows, y, groups = (table[name].to_numpy() for name in ("row", "y", "group"))
    images = split.images(backbone.input_shape[-1])
    return lambda: {"probe_knn": knn_accuracy(inference.predict(backbone, images, rows), y, groups)}


def knn_accuracy(features: np.ndarray, y: np.ndarray, groups: np.ndarray) -> float:
    """Balanced accuracy, 0 … 1, of the five nearest neighbours by cosine, leaving out each image's own patient.

    A usual measure of features that were learnt without labels (Wu et al. 2018, arXiv:1805.01978).

    Args:
        features: (n, d).
        y: int (n,), class numbers.
        groups: (n,), patients.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    similarity = unit @ unit.T
    similarity[groups[:, None] == groups[None, :]] = -np.inf
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS]
    votes = np.eye(y.max() + 1)[y[nearest]].sum(axis=1)
    # Among classes with equally many votes, that of the nearest neighbour wins.
    votes += 1e-6 * np.eye(y.max() + 1)[y[nearest[:, 0]]]
    right = votes.argmax(axis=1) == y
    return float(np.mean([right[y == number].mean() for number in np.unique(y)]))
