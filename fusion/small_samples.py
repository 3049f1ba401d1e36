"""scikit-learn's classifiers, adapted to a few hundred images with thousands of features."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from indomain.errors import RequestError


class Span(TransformerMixin, BaseEstimator):
    """Coordinates in the space that the training images span, at most as many as there are images.

    Distances among the training images do not change, so a classifier that depends on these alone learns the same, and a
    linear one also predicts the same. The fewer columns make it faster: the cost of discriminant analysis grows with the
    cube of their number.
    """

    def fit(self, X, y=None):
        """Finds an orthonormal basis of the images about their mean, if there are more features than images.

        Args:
            X: (images, features).
            y: ignored.
        """
        # The centred images A (n, d) with d > n have the decomposition Aᵀ = Q R with Q (d, n), QᵀQ = 1. Their coordinates
        # are A Q = Rᵀ, and all inner products are kept: (A Q)(A Q)ᵀ = Rᵀ R = A Aᵀ.
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.mean_, self.basis_ = X.mean(axis=0), None
        if X.shape[1] > X.shape[0]:
            self.basis_ = np.linalg.qr((X - self.mean_).T)[0]
        return self

    def transform(self, X):
        """The coordinates (images, coordinates) of X, shape (images, features)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return X if self.basis_ is None else (X - self.mean_) @ self.basis_


class Calibrated(CalibratedClassifierCV):
    """A classifier fitted on all images, with scores from a sigmoid fitted on held-out decision values (Platt 1999)."""

    def fit(self, X, y):
        """As CalibratedClassifierCV, with as many folds as the smallest class allows, at most `cv`.

        Args:
            X: (images, features).
            y: (images,), classes.

        Raises:
            RequestError: a class has a single image.
        """
        check_classification_targets(y)
        smallest = int(np.unique(np.asarray(y), return_counts=True)[1].min())
        if smallest < 2:
            raise RequestError(
                "a class has one sample only; support vector machines need two training images of each class for their "
                "scores."
            )
        params = self.get_params(deep=False)
        if isinstance(params["cv"], int):
            params["cv"] = min(params["cv"], smallest)
        # `fit` must not change a parameter: another estimator is fitted with fewer folds, and its results are taken over.
        fitted = CalibratedClassifierCV(**params).fit(X, y)
        for name, value in vars(fitted).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self


class FewNeighbors(KNeighborsClassifier):
    """Nearest neighbours; where there are fewer images than neighbours, all of them vote."""

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """As in KNeighborsClassifier, with at most as many neighbours as there are images.

        Args:
            X: (images, features); None: the training images, none of which is a neighbour of itself.
            n_neighbors: number of neighbours; None: that of the classifier.
            return_distance: whether to return the distances, too.
        """
        wanted = self.n_neighbors if n_neighbors is None else n_neighbors
        return super().kneighbors(X, min(wanted, self.n_samples_fit_ - (X is None)), return_distance)


class BalancedBoosting(GradientBoostingClassifier):
    """Gradient boosting in which every class has the same weight."""

    def fit(self, X, y):
        """As in GradientBoostingClassifier, with each image weighted inversely to the size of its class.

        Args:
            X: (images, features).
            y: (images,), classes.
        """
        return super().fit(X, y, None if y is None else compute_sample_weight("balanced", np.asarray(y)))
