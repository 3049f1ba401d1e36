"""The ten classifiers with their settings. The scores of all of them sum to 1.

Each function takes the seed of the classifier, which those without a random part ignore, and returns it unfitted.
"""

from typing import Any


def linear_svm(seed: int) -> Any:
    """Linear support vector machine; its scores rise with its decision values."""
    from sklearn.svm import SVC

    return _calibrated(SVC(kernel="linear", class_weight="balanced", random_state=seed))


def rbf_svm(seed: int) -> Any:
    """Support vector machine with a Gaussian kernel; its scores rise with its decision values."""
    from sklearn.svm import SVC

    return _calibrated(SVC(kernel="rbf", class_weight="balanced", random_state=seed))


def knn(seed: int) -> Any:
    """Five nearest neighbours, weighted by distance."""
    from fusion.small_samples import FewNeighbors

    return _spanned(FewNeighbors(n_neighbors=5, weights="distance"))


def logistic_regression(seed: int) -> Any:
    """Logistic regression with C = 1."""
    from sklearn.linear_model import LogisticRegression

    return _spanned(LogisticRegression(class_weight="balanced", max_iter=5000))


def decision_tree(seed: int) -> Any:
    """Decision tree with at least five images per leaf."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(min_samples_leaf=5, class_weight="balanced", random_state=seed)


def random_forest(seed: int) -> Any:
    """Random forest of 100 trees, scikit-learn's default."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, class_weight="balanced", random_state=seed)


def extra_trees(seed: int) -> Any:
    """Extremely randomised trees (Geurts et al. 2006), 100 of them."""
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(100, class_weight="balanced", random_state=seed)


def gradient_boosting(seed: int) -> Any:
    """100 boosted trees of depth 3; each split considers √d of the d features (stochastic boosting, Friedman 2002)."""
    from fusion.small_samples import BalancedBoosting

    # Not the histogram variant: it is meant for tens of thousands of images, and takes minutes on a few hundred images with
    # thousands of features.
    return BalancedBoosting(n_estimators=100, max_depth=3, max_features="sqrt", random_state=seed)


def naive_bayes(seed: int) -> Any:
    """Gaussian naive Bayes."""
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def lda(seed: int) -> Any:
    """Linear discriminant analysis with a shrunk covariance, since there are more features than images."""
    from sklearn.covariance import LedoitWolf
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # Ledoit & Wolf 2004, without standardising: `shrinkage="auto"` standardises the coordinates first, so that the result
    # would depend on the arbitrary choice of basis.
    return _spanned(LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=LedoitWolf(store_precision=False)))


def mlp(seed: int) -> Any:
    """Network with one hidden layer of 64 units; its result depends on the order of the images (batches, coordinates)."""
    from sklearn.neural_network import MLPClassifier

    # Adam, although scikit-learn's manual advises L-BFGS for small sets: where the classes overlap, L-BFGS takes longer and
    # its scores are far too confident.
    return _spanned(MLPClassifier((64,), alpha=1e-2, max_iter=400, random_state=seed))


def _spanned(machine: Any) -> Any:
    """A classifier on the coordinates of the space that the training images span.

    For classifiers that depend on distances or inner products only, so that the change of basis does not affect them.
    """
    from sklearn.pipeline import Pipeline

    from fusion.memo import Memoized
    from fusion.small_samples import Span

    return Pipeline([("span", Memoized(Span())), ("machine", machine)])


def _calibrated(machine: Any) -> Any:
    from fusion.small_samples import Calibrated

    return _spanned(Calibrated(machine))
