"""What scikit-learn's classifiers need to serve a few hundred images with thousands of features."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted, validate_data

from indomain.errors import RequestError


class Span(TransformerMixin, BaseEstimator):
    """Coordinates in the space that the training images span: as many as there are images, where there are more features.

    Distances and inner products among training images stay what they are, so that a machine that learns from these alone
    learns the same; a linear one also answers the same. Its cost falls with the number of columns, for discriminant analysis
    with its cube.
    """

    def fit(self, X, y=None):
        """Finds an orthonormal basis of the images of X, shape (images, features), about their mean."""
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.mean_, self.basis_ = X.mean(axis=0), None
        if X.shape[1] > X.shape[0]:
            self.basis_ = np.linalg.qr((X - self.mean_).T)[0]
        return self

    def transform(self, X):
        """(images, features) to (images, coordinates)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return X if self.basis_ is None else (X - self.mean_) @ self.basis_


class Calibrated(CalibratedClassifierCV):
    """A machine on all images; the sigmoid that makes its scores is fitted on held-out decision values (Platt 1999)."""

    def fit(self, X, y):
        """As CalibratedClassifierCV, with as many held-out parts as the smallest class allows, at most three."""
        smallest = int(np.unique(y, return_counts=True)[1].min())
        if smallest < 2:
            raise RequestError("support vector machines need two training images of each class for their scores.")
        self.cv = min(3, smallest)
        return super().fit(X, y)


class FewNeighbors(KNeighborsClassifier):
    """With fewer images than neighbours, all of them vote."""

    n_neighbors: int

    def fit(self, X, y):
        """As KNeighborsClassifier."""
        self.n_neighbors = min(self.n_neighbors, len(X))
        return super().fit(X, y)


class BalancedBoosting(GradientBoostingClassifier):
    """Every class weighs the same."""

    def fit(self, X, y):
        """As GradientBoostingClassifier."""
        return super().fit(X, y, compute_sample_weight("balanced", y))
