"""Blocks: which columns of a feature table belong to which network; what classifiers of several blocks share."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from fusion.memo import Memoized, memoized


def block_columns(blocks: list[int] | None, width: int) -> list[slice]:
    """The columns of each block.

    Args:
        blocks: the number of features of each network, in the order of the columns; None: one block.
        width: the number of columns.

    Raises:
        ValueError: the blocks do not add up to the width.
    """
    blocks = [width] if blocks is None else list(blocks)
    if sum(blocks) != width:
        raise ValueError(f"blocks add up to {sum(blocks)} features, X has {width}")
    ends = np.cumsum(blocks)
    return [slice(int(end - block), int(end)) for end, block in zip(ends, blocks)]


def inner_folds(y: np.ndarray, groups: np.ndarray | None, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits for choices inside a training set: stratified, patients together; fewer folds where a class is small.

    Places, not a splitter: whether groups may be handed on depends on scikit-learn's global settings.

    Args:
        y: (images,) classes; groups: (images,) patients, None: each image on its own.

    Returns:
        For each fold the places of the images to learn from, and of those held out.

    Raises:
        ValueError: a class has one image, or one patient, only: nothing can be held out.
    """
    units = np.arange(len(y)) if groups is None else np.asarray(groups)
    smallest = min(len(set(units[y == value])) for value in np.unique(y))
    if smallest < 2:
        what = "image" if groups is None else "patient"
        raise ValueError(f"a class has one {what} only: nothing can be held out to choose by")
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    return list(kind(min(folds, smallest)).split(y, y, groups))


def unseen_scores(
    estimator: Any, X: np.ndarray, y: np.ndarray, splits: list[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Each image's scores (images, classes) from an `estimator` that was fitted without its fold, as `inner_folds` gives them."""
    if isinstance(estimator, Memoized):
        return memoized(unseen_scores, clone(estimator.estimator), X, y, splits)
    return cross_val_predict(clone(estimator), X, y, cv=splits, method="predict_proba")


class BlockClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier on blocks of features that are given to copies of another classifier."""

    def predict_proba(self, X):
        """(images, features) to scores (images, classes), each row of sum 1."""
        check_is_fitted(self)
        return self._scores(validate_data(self, X, dtype=[np.float64, np.float32], reset=False))

    def predict(self, X):
        """The class of the highest score of each image."""
        scores = self.predict_proba(X)
        return self.classes_[scores.argmax(axis=1)]

    def _begun(self, X, y):
        """X and y, checked, and the classifier to copy; sets `classes_` and `parts_`."""
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError("Only one class is among the images; the classifier needs at least two.")
        self.parts_ = block_columns(self.blocks, X.shape[1])
        return X, y, LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator
