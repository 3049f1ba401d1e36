"""Blocks: which columns of a feature table belong to which network, and what classifiers on several blocks share."""

import itertools
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, get_routing_for_object
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from fusion.memo import Memoized, memoized


def block_columns(blocks: list[int] | None, width: int) -> list[slice]:
    """The columns of each block.

    Args:
        blocks: number of features of each network, in the order of the columns; None: all columns are one block.
        width: number of columns.

    Raises:
        ValueError: the blocks do not add up to `width`.
    """
    blocks = [width] if blocks is None else list(blocks)
    if sum(blocks) != width:
        raise ValueError(f"blocks add up to {sum(blocks)} features, X has {width}")
    ends = np.cumsum(blocks)
    return [slice(int(end - block), int(end)) for end, block in zip(ends, blocks)]


def inner_folds(y: np.ndarray, groups: np.ndarray | None, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Splits of a training set: stratified, each patient in one fold, fewer folds where a class is small.

    Where stratified folds would hold out all patients of a class at once, the smallest patients change their fold.

    These are indices rather than a splitter because scikit-learn's global settings decide whether a splitter receives
    groups.

    Args:
        y: (images,), classes.
        groups: (images,), patients; None: every image is independent.
        folds: number of folds wanted.

    Returns:
        For each fold, the indices of the images to learn from and of the images held out.

    Raises:
        ValueError: a class has only one image or patient, or no move of single patients spreads its patients over folds.
    """
    units = np.arange(len(y)) if groups is None else np.asarray(groups)
    smallest = min(len(set(units[y == value])) for value in np.unique(y))
    if smallest < 2:
        what = "image" if groups is None else "patient"
        raise ValueError(f"a class has one {what} only: nothing can be held out")
    folds = min(folds, smallest)
    splits = list((StratifiedKFold if groups is None else StratifiedGroupKFold)(folds).split(y, y, groups))
    if not _concentrated(y, fold := _fold_of(splits)):
        return splits
    fold = _spread(y, units, fold)
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(folds)]


def _fold_of(splits: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The fold that each image is held out in: int (images,)."""
    fold = np.empty(sum(len(held_out) for _, held_out in splits), int)
    for number, (_, held_out) in enumerate(splits):
        fold[held_out] = number
    return fold


def _concentrated(y: np.ndarray, fold: np.ndarray) -> list[Any]:
    """The classes whose images are all in one fold."""
    return [value for value in np.unique(y) if len(np.unique(fold[y == value])) < 2]


def _spread(y: np.ndarray, units: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Moves patients, the smallest first, until no fold has all patients of a class; returns each image's fold."""
    names, images = np.unique(units, return_counts=True)
    while before := _concentrated(y, fold):
        for unit, to in itertools.product(names[np.argsort(images, kind="stable")], np.unique(fold)):
            moved = np.where(units == unit, to, fold)
            if len(_concentrated(y, moved)) < len(before):
                fold = moved
                break
        else:
            raise ValueError("a fold has all patients of a class: nothing can be held out")
    return fold


def patients_for(estimator: Any, groups: np.ndarray | None) -> dict[str, np.ndarray]:
    """The patients as an argument of `fit`, if an estimator or one inside it has inner folds; otherwise no argument.

    Args:
        estimator: an estimator. `fit` takes the argument only while scikit-learn's metadata routing is on.
        groups: (images,), patients; None: every image is independent.
    """
    if groups is None or not get_routing_for_object(estimator).consumes("fit", ["groups"]):
        return {}
    return {"groups": groups}


def unseen_scores(
    estimator: Any,
    X: np.ndarray,
    y: np.ndarray,
    splits: list[tuple[np.ndarray, np.ndarray]],
    patients: dict[str, np.ndarray],
) -> np.ndarray:
    """Scores of images by estimators that were fitted without them.

    Args:
        estimator: a classifier with `predict_proba`; copies of it are fitted.
        X: (images, features).
        y: (images,), classes.
        splits: folds as `inner_folds` returns them; each image is held out in one of them.
        patients: as `patients_for` returns them for the estimator.

    Returns:
        (images, classes); the scores of an image come from the copy that was fitted without its fold.
    """
    if isinstance(estimator, Memoized):
        return memoized(unseen_scores, clone(estimator.estimator), X, y, splits, patients)
    return cross_val_predict(clone(estimator), X, y, cv=splits, method="predict_proba", params=patients)


class BlockClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Base class for classifiers that fit copies of another classifier on blocks of features.

    Subclasses have the parameters `estimator` and `blocks`, call `_start_fit` first in `fit`, and define `_scores`.
    """

    # Patients are handed on to `fit` wherever scikit-learn's metadata routing is on.
    __metadata_request__fit = {"groups": True}

    def get_metadata_routing(self):
        """What `fit` takes and hands on: patients, which the classifier inside may ask for, too."""
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def predict_proba(self, X):
        """Scores (images, classes) of X, shape (images, features); each row sums to 1."""
        check_is_fitted(self)
        return self._scores(validate_data(self, X, dtype=[np.float64, np.float32], reset=False))

    def predict(self, X):
        """The class with the highest score for each image of X, shape (images, features)."""
        scores = self.predict_proba(X)
        return self.classes_[scores.argmax(axis=1)]

    def _start_fit(self, X, y):
        """Validates X and y and sets `classes_` and `parts_`; returns X, y and the classifier to copy."""
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError("Only one class is among the images; the classifier needs at least two.")
        self.parts_ = block_columns(self.blocks, X.shape[1])
        return X, y, LogisticRegression(max_iter=1000) if self.estimator is None else self.estimator
