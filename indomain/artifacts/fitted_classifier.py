"""Fitted scikit-learn estimators in files that execute no code when they are read (skops instead of pickle)."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from skops import io

from indomain import files
from indomain.errors import RequestError

# Types that scikit-learn's classifiers contain and that skops does not trust by default.
SKLEARN_TYPES = {
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
}


def write(path: Path, estimator: Any) -> None:
    """Writes a fitted estimator; the file appears complete or not at all.

    Args:
        path: the file.
        estimator: a fitted scikit-learn estimator.
    """
    with files.written(path) as temporary:
        io.dump(estimator, temporary)


def read(path: Path, packages: Iterable[str]) -> Any:
    """The estimator in a file that `write` wrote.

    Args:
        path: the file.
        packages: top-level packages of this installation whose estimators the file may contain.

    Raises:
        RequestError: the file contains a type that no classifier of this package has; none of its code was executed.
    """
    types = io.get_untrusted_types(file=path)
    allowed = {name for name in types if name.partition(".")[0] in packages and _is_estimator(name)}
    strange = sorted(set(types) - allowed - SKLEARN_TYPES)
    if strange:
        raise RequestError(f"{path} holds {', '.join(strange[:3])}, which no classifier here does; it was not opened.")
    return io.load(path, trusted=sorted(allowed | SKLEARN_TYPES))


def _is_estimator(name: str) -> bool:
    """Whether a class of this installation is a scikit-learn estimator."""
    module, _, kind = name.rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), kind, None)
    except ImportError:
        return False
    return isinstance(cls, type) and issubclass(cls, BaseEstimator)
