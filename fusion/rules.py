"""The rules of fusion (their names are in `fusion.registry`): many networks' features, side by side, to one classifier of them.

A rule is a function of the blocks' widths, a classifier and the number of components or features to keep (None: the rule's
own); it gives a scikit-learn estimator in which everything that learns is fitted together, inside the fold.
"""

from typing import Any

from sklearn.pipeline import Pipeline

from fusion.concatenation import FeatureFusion
from fusion.correlation import CanonicalFusion
from fusion.memo import Memoized
from fusion.scores import ScoreFusion
from fusion.selection import MRMR, MutualInformation


def concat(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """All features side by side, each block with the same weight; reduced by PCA if `components` says so."""
    return _then(classifier, FeatureFusion(blocks, components))


def pca(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """`concat`, then the principal components that hold 95 % of the variance."""
    return _then(classifier, FeatureFusion(blocks, components or 0.95))


def cca(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """Canonical variates, 20 of each side."""
    return _then(classifier, CanonicalFusion(blocks, int(components or 20)))


def mrmr(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """The 64 features of most relevance and least redundancy."""
    return _then(classifier, FeatureFusion(blocks), MRMR(int(components or 64)))


def mutual_information(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """The 64 features of most mutual information with the class."""
    return _then(classifier, FeatureFusion(blocks), MutualInformation(int(components or 64)))


def score_mean(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """A classifier for each network; the mean of their scores."""
    return ScoreFusion(_alone(classifier), blocks, "mean")


def score_weighted(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """A classifier for each network; the mean of their scores with the weights that held-out training images like best."""
    return ScoreFusion(_alone(classifier), blocks, "weighted")


def score_stacking(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """A classifier for each network; a logistic regression on their scores."""
    return ScoreFusion(_alone(classifier), blocks, "stacking")


def score_search(blocks: list[int], classifier: Any, components: float | None) -> Any:
    """A classifier for each network; the mean of the scores of those that a forward search in the training images chose."""
    return ScoreFusion(_alone(classifier), blocks, "search")


def _alone(classifier: Any) -> Any:
    # All rules of scores fit the same classifiers on the same folds.
    return Memoized(_then(classifier, FeatureFusion()))


def _then(classifier: Any, *before: Any) -> Pipeline:
    steps = [(f"fusion{number}", Memoized(step)) for number, step in enumerate(before)]
    return Pipeline([*steps, ("classifier", classifier)])
