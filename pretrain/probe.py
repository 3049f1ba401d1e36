"""A probe of the features while they are learnt: nearest neighbours on a few labelled images. It chooses nothing."""

from collections.abc import Callable

import keras
import numpy as np

from indomain.data.split import Split
from indomain.networks import inference

MOST = 500  # images: a probe must cost little compared with an epoch
NEIGHBOURS = 5


def measure(backbone: keras.Model, split: Split) -> Callable[[], dict[str, float]]:
    """A function that says how well the backbone's present features tell the classes of a labelled set apart.

    Only images that train or choose in its first fold are used. In other folds they may test: the result chooses nothing.
    """
    table = split.table()
    table = table[table["split"].isin(["train", "val"])].sort_values("rank").head(MOST)
    rows, y, groups = (table[name].to_numpy() for name in ("row", "y", "group"))
    images = split.images(backbone.input_shape[-1])
    return lambda: {"probe_knn": knn_accuracy(inference.predict(backbone, images, rows), y, groups)}


def knn_accuracy(features: np.ndarray, y: np.ndarray, groups: np.ndarray) -> float:
    """Balanced accuracy of the five nearest neighbours by cosine, leaving out each image's own patient.

    Wu et al. 2018 (arXiv:1805.01978) judge features learnt without labels so.

    Args:
        features: (n, d); y: (n,) class numbers; groups: (n,) patients.
    """
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    similarity = unit @ unit.T
    similarity[groups[:, None] == groups[None, :]] = -np.inf
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS]
    votes = np.eye(y.max() + 1)[y[nearest]].sum(axis=1)
    # A tie goes to the nearest of those that share the vote.
    votes += 1e-6 * np.eye(y.max() + 1)[y[nearest[:, 0]]]
    right = votes.argmax(axis=1) == y
    return float(np.mean([right[y == number].mean() for number in np.unique(y)]))
