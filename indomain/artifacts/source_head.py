"""`head.npz`: the linear head with which a network has learnt the classes of its source.

kernel      float32 (d, classes)
bias        float32 (classes,)
"""

from pathlib import Path

import numpy as np

from indomain import files
from indomain.errors import RequestError

LEFT_BY = ("supervised", "deeply-supervised")  # objectives of pretraining that learn the source's classes
_NAME = "head.npz"


def write(folder: Path, kernel: np.ndarray, bias: np.ndarray) -> None:
    """Writes `folder`/head.npz.

    Args:
        folder: the run's folder.
        kernel: (d, classes), for features of the backbone.
        bias: (classes,).
    """
    files.write_arrays(folder / _NAME, {"kernel": kernel, "bias": bias})


def check(folder: Path) -> None:
    """Raises a RequestError if a finished run has kept no head, as runs of earlier versions.

    Args:
        folder: the folder of a finished run of supervised pretraining.
    """
    if not (folder / _NAME).is_file():
        raise RequestError(
            f"{folder} has no {_NAME}: it was run before heads were kept. Delete the folder to have it run again, or leave "
            "out what reads a head."
        )


def read(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """The kernel (d, classes) and the bias (classes,) of a head.

    Args:
        folder: the folder of a run of supervised pretraining.

    Raises:
        RequestError: as for `check`.
    """
    check(folder)
    with np.load(folder / _NAME, allow_pickle=False) as saved:
        return saved["kernel"], saved["bias"]


def probabilities(folder: Path, features: np.ndarray) -> np.ndarray:
    """What the head makes of images, float (images, classes).

    Args:
        folder: the folder of a run of supervised pretraining.
        features: (images, d), by that run's backbone.

    Raises:
        RequestError: the run has kept no head, as runs of earlier versions, or the features are of another network.
    """
    from scipy.special import softmax

    kernel, bias = read(folder)
    if features.shape[1] != len(kernel):
        raise RequestError(
            f"{folder / _NAME} is of a network with {len(kernel)} features, and these images have {features.shape[1]}."
        )
    return softmax(features @ kernel.astype(np.float64) + bias, axis=1)
