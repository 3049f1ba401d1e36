"""Fitted scikit-learn estimators as files that run no code when they are read (skops, instead of pickles)."""

from pathlib import Path
from typing import Any

from indomain import files
from indomain.errors import RequestError

# What the files may hold beside what skops itself knows to be harmless: the classes of this package's own classifiers.
TRUSTED = {
    "fusion.concatenation.FeatureFusion",
    "fusion.correlation.CanonicalFusion",
    "fusion.estimators.BalancedBoosting",
    "fusion.estimators.Calibrated",
    "fusion.estimators.FewNeighbors",
    "fusion.estimators.Span",
    "fusion.once.Once",
    "fusion.scores.ScoreFusion",
    "fusion.selection.MRMR",
    "fusion.selection.MutualInformation",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
}


def write(path: Path, estimator: Any) -> None:
    """Writes a fitted estimator; the file appears whole or not at all."""
    from skops import io

    with files.written(path) as temporary:
        io.dump(estimator, temporary)


def read(path: Path) -> Any:
    """The estimator of a file that `write` made.

    Raises:
        RequestError: the file holds something that no classifier of this package does; nothing of it was run.
    """
    from skops import io

    strange = sorted(set(io.get_untrusted_types(file=path)) - TRUSTED)
    if strange:
        raise RequestError(f"{path} holds {', '.join(strange[:3])}, which no classifier here does; it was not opened.")
    return io.load(path, trusted=sorted(TRUSTED))
