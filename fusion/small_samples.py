"""What scikit-learn's classifiers need to serve a few hundred images with thousands of features."""

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
    """A classifier fitted on all images; its sigmoid is fitted on held-out decision values (Platt 1999)."""

    def fit(self, X, y):
        """As CalibratedClassifierCV, with as many held-out parts as the smallest class allows, at most `cv`.

        Raises:
            RequestError: a class has a single image.
        """
        check_classification_targets(y)
        smallest = int(np.unique(np.asarray(y), return_counts=True)[1].min())
        if smallest < 2:
            raise RequestError(
                "a class has one sample only; support vector machines need two training images of each class for their scores."
            )
        given = self.get_params(deep=False)
        if isinstance(given["cv"], int):
            given["cv"] = min(given["cv"], smallest)
        # Parameters are the caller's: what is fitted with fewer parts is another object, whose results are taken over.
        fitted = CalibratedClassifierCV(**given).fit(X, y)
        for name, value in vars(fitted).items():
            if name.endswith("_"):
                setattr(self, name, value)
        return self


class FewNeighbors(KNeighborsClassifier):
    """With fewer images than neighbours, all of them vote."""

    def kneighbors(self, X=None, n_neighbors=None, return_distance=True):
        """As KNeighborsClassifier, with at most as many neighbours as there are images."""
        wanted = self.n_neighbors if n_neighbors is None else n_neighbors
        return super().kneighbors(X, min(wanted, self.n_samples_fit_ - (X is None)), return_distance)


class BalancedBoosting(GradientBoostingClassifier):
    """Every class weighs the same."""

    def fit(self, X, y):
        """As GradientBoostingClassifier."""
        return super().fit(X, y, None if y is None else compute_sample_weight("balanced", np.asarray(y)))
