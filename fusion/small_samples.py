"""scikit-learn's classifiers, adapted to a few hundred images with thousands of features."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from fusion.blocks import inner_folds

# Least slope of the sigmoid behind scores, in log-odds per standard deviation of the decision values.
LEAST_SLOPE = 0.01
MOST_CERTAIN = 10.0  # log-odds (a score of 0.99995) beyond which certainty grows only logarithmically


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


class Calibrated(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """A classifier that has decision values, with scores that rise with them.

    The classifier is fitted on all images. A sigmoid, fitted on decision values of images held out (Platt 1999), turns its
    decision values into scores. Where images are hard to tell apart, its most likely slope is often negative, and the scores
    of a classifier that ranks test images well would rank them backwards: the slope is therefore at least `LEAST_SLOPE`.

    * Two classes: the scores rank images exactly as the decision values do, so that both have the same AUROC.
    * More classes: each has a sigmoid of its own, for the class against all others, and the scores of an image are divided
      by their sum. A class's score rises with its own decision value and falls with those of the other classes. More cannot
      be promised: scores of sum 1 cannot rank images in the order of every class's decision values.

    Args:
        estimator: a classifier with one decision value per class (one in all for two classes), as `SVC` has by default. Its
            `class_weight`, if it has one, also weights the images that the sigmoid is fitted on.
        folds: largest number of folds of the training images, for the held-out decision values.

    Attributes:
        estimator_: the classifier, fitted on all images.
        slopes_, offsets_: (1,) for two classes, else (classes,): the log-odds of a class are slope · decision value +
            offset.
    """

    # Patients are handed on to the inner folds wherever scikit-learn's metadata routing is on.
    __metadata_request__fit = {"groups": True}

    def __init__(self, estimator=None, folds=3):
        self.estimator = estimator
        self.folds = folds

    def fit(self, X, y, groups=None):
        """Fits the sigmoids on held-out decision values, and the classifier on all images.

        Args:
            X: (images, features).
            y: (images,), classes.
            groups: (images,), patients, which the inner folds keep together; None: every image is independent.

        Raises:
            ValueError: a single class, or a class of one image or one patient, so that nothing can be held out.
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32])
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError("Only one class is among the images; the classifier needs at least two.")
        splits = inner_folds(y, groups, self.folds)
        values = _columns(cross_val_predict(clone(self.estimator), X, y, cv=splits, method="decision_function"))
        weights = compute_sample_weight(getattr(self.estimator, "class_weight", None), y)
        # With two classes, the one decision value is that of the second.
        of_columns = self.classes_[-values.shape[1] :]
        fitted = [fitted_sigmoid(column, y == value, weights) for column, value in zip(values.T, of_columns)]
        self.slopes_, self.offsets_ = np.array(fitted).T
        self.estimator_ = clone(self.estimator).fit(X, y)
        return self

    def predict_proba(self, X):
        """Scores (images, classes) of X, shape (images, features); each row sums to 1."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        log_odds = moderated(_columns(self.estimator_.decision_function(X)) * self.slopes_ + self.offsets_)
        if len(self.slopes_) == 1:
            return np.concatenate([expit(-log_odds), expit(log_odds)], axis=1)
        scores = expit(log_odds)
        return scores / scores.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The class with the highest score for each image of X, shape (images, features)."""
        scores = self.predict_proba(X)
        return self.classes_[scores.argmax(axis=1)]


def _columns(values: np.ndarray) -> np.ndarray:
    """Decision values as (images, 1) for two classes, (images, classes) for more."""
    return values.reshape(len(values), -1)


def fitted_sigmoid(values: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The slope, above 0, and the offset of the sigmoid under which the classes of held-out images are most likely.

    Args:
        values: (images,), decision values; higher where the class is more likely.
        positive: bool (images,), whether an image is of the class; both kinds must be among them.
        weights: (images,), above 0.

    Returns:
        (slope, offset) of the log-odds as a function of the decision value.
    """
    # With decision values f of mean m and standard deviation s, weights w and labels t, the log-odds are
    #     z = a u + b, u = (f - m) / s, a ≥ LEAST_SLOPE
    # and the log-likelihood Σ w (t z - log(1 + e^z)) is concave in a and b. Platt replaces the labels 1 and 0 by
    #     t = (N + 1) / (N + 2) and t = 1 / (M + 2)
    # with the N images of the class and the M others (sums of weights), lest the sigmoid become a step where they part.
    centre, spread = values.mean(), values.std()
    # Next to a margin of 1, decision values that hardly differ say nothing.
    spread = spread if spread > 1e-6 * max(np.abs(values).max(), 1.0) else 1.0
    scaled = (values - centre) / spread
    inside, outside = weights[positive].sum(), weights[~positive].sum()
    labels = np.where(positive, (inside + 1) / (inside + 2), 1 / (outside + 2))

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        log_odds = parameters[0] * scaled + parameters[1]
        error = weights * (expit(log_odds) - labels)
        return weights @ (np.logaddexp(0, log_odds) - labels * log_odds), np.array([error @ scaled, error.sum()])

    bounds = [(LEAST_SLOPE, None), (None, None)]
    found = minimize(
        loss, [LEAST_SLOPE, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-6}
    )
    slope = found.x[0] / spread
    return slope, found.x[1] - slope * centre


def moderated(log_odds: np.ndarray) -> np.ndarray:
    """Log-odds that rise with those given but only logarithmically beyond ±MOST_CERTAIN.

    A few hundred images cannot show greater certainty, and scores rounded to 0 or 1 would no longer rank.

    Args:
        log_odds: of any shape.
    """
    size = np.abs(log_odds)
    return np.sign(log_odds) * (np.minimum(size, MOST_CERTAIN) + np.log1p(np.maximum(size - MOST_CERTAIN, 0)))


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
