"""Fitted scikit-learn estimators as files that run no code when they are read (skops, instead of pickles)."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from skops import io

from indomain import files
from indomain.errors import RequestError

# What scikit-learn's own classifiers hold beside what skops knows to be harmless.
SKLEARN_TYPES = {
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
}


def write(path: Path, estimator: Any) -> None:
    """Writes a fitted estimator; the file appears whole or not at all."""
    with files.written(path) as temporary:
        io.dump(estimator, temporary)


def read(path: Path, packages: Iterable[str]) -> Any:
    """The estimator of a file that `write` made.

    Args:
        path: the file.
        packages: of this installation, whose estimators the file may hold.

    Raises:
        RequestError: the file holds something that no classifier of this package does; nothing of it was run.
    """
    held = io.get_untrusted_types(file=path)
    own = {name for name in held if name.partition(".")[0] in packages and _is_estimator(name)}
    strange = sorted(set(held) - own - SKLEARN_TYPES)
    if strange:
        raise RequestError(f"{path} holds {', '.join(strange[:3])}, which no classifier here does; it was not opened.")
    return io.load(path, trusted=sorted(own | SKLEARN_TYPES))


def _is_estimator(name: str) -> bool:
    """Whether a class of this installation is a scikit-learn estimator."""
    module, _, kind = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), kind, None)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, BaseEstimator)
