"""The rules of fusion, named in `fusion.registry`: from several networks' features, side by side, to one classifier.

Each returns a scikit-learn estimator in which everything that learns is fitted together, inside the fold.
"""

from typing import Any

from sklearn.pipeline import Pipeline

from fusion.concatenation import FeatureFusion
from fusion.correlation import CanonicalFusion
from fusion.memo import Memoized
from fusion.scores import ScoreFusion
from fusion.selection import MRMR, Importance, MutualInformation


def concat(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """All features side by side, each block with the same weight, optionally reduced by PCA.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier on the fused features.
        components: principal components to keep, as a number or as a share of the variance below 1; None: no PCA.
    """
    return _then(classifier, FeatureFusion(blocks, components))


def pca(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """As `concat`, always reduced by PCA.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier on the fused features.
        components: principal components to keep, as a number or as a share of the variance below 1; None: 95 %.
    """
    return _then(classifier, FeatureFusion(blocks, components or 0.95))


def cca(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """Canonical variates, folded block by block.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier on the fused features.
        components: largest number of variates from each side of a fold; None: 20.
    """
    return _then(classifier, CanonicalFusion(blocks, int(components or 20)))


def mrmr(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """The features of highest relevance and lowest redundancy.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier on the selected features.
        components: number of features to select; None: 64.
    """
    return _then(classifier, FeatureFusion(blocks), MRMR(int(components or 64)))


def mutual_information(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """The features of highest mutual information with the class.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier on the selected features.
        components: number of features to select; None: 64.
    """
    return _then(classifier, FeatureFusion(blocks), MutualInformation(int(components or 64)))


def importance(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """The features that trees find most important, after the others were eliminated step by step.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier on the selected features.
        components: number of features to select; None: 64.
    """
    return _then(classifier, FeatureFusion(blocks), Importance(int(components or 64)))


def score_mean(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """One classifier per network, and the mean of their scores.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier that each network gets a copy of.
        components: ignored.
    """
    return ScoreFusion(_alone(classifier), blocks, "mean")


def score_weighted(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """One classifier per network, and a mean of their scores with weights fitted to held-out training images.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier that each network gets a copy of.
        components: ignored.
    """
    return ScoreFusion(_alone(classifier), blocks, "weighted")


def score_stacking(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """One classifier per network, and a logistic regression on their scores.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier that each network gets a copy of.
        components: ignored.
    """
    return ScoreFusion(_alone(classifier), blocks, "stacking")


def score_search(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """One classifier per network, and the mean of the scores of those that a forward search chooses.

    Args:
        blocks: number of features of each network, in the order of the columns.
        classifier: the classifier that each network gets a copy of.
        components: ignored.
    """
    return ScoreFusion(_alone(classifier), blocks, "search")


def _alone(classifier: Any) -> Any:
    # Memoized because all rules of scores fit the same classifiers on the same folds.
    return Memoized(_then(classifier, FeatureFusion()))


def _then(classifier: Any, *before: Any) -> Pipeline:
    steps = [(f"fusion{number}", Memoized(step)) for number, step in enumerate(before)]
    return Pipeline([*steps, ("classifier", classifier)])
