"""The ten classifiers with the settings that they run with. All return scores that add up to 1."""

from typing import Any


def linear_svm(seed: int) -> Any:
    """Linear support vector machine; scores by Platt's sigmoid."""
    from sklearn.svm import SVC

    return _calibrated(SVC(kernel="linear", class_weight="balanced", random_state=seed))


def rbf_svm(seed: int) -> Any:
    """Support vector machine with a Gaussian kernel; scores by Platt's sigmoid."""
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
    """A tree with at least five images in a leaf."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(min_samples_leaf=5, class_weight="balanced", random_state=seed)


def random_forest(seed: int) -> Any:
    """100 trees, as many as scikit-learn takes."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(100, class_weight="balanced", random_state=seed)


def gradient_boosting(seed: int) -> Any:
    """100 rounds of trees of depth 3, each split among √d of the d features (Friedman 2002, stochastic boosting)."""
    from fusion.small_samples import BalancedBoosting

    # The histogram kind is made for ten thousand images and more; on hundreds with thousands of features it takes minutes.
    return BalancedBoosting(n_estimators=100, max_depth=3, max_features="sqrt", random_state=seed)


def naive_bayes(seed: int) -> Any:
    """Gaussian naive Bayes."""
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def lda(seed: int) -> Any:
    """Linear discriminant analysis with a shrunk covariance, as there are more features than images."""
    from sklearn.covariance import LedoitWolf
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    # Ledoit & Wolf 2004 on the covariance as it is: `shrinkage="auto"` would first standardise the coordinates, and the result
    # would depend on the arbitrary choice of basis.
    return _spanned(LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=LedoitWolf(store_precision=False)))


def mlp(seed: int) -> Any:
    """One hidden layer of 64 units; its result depends on the order of the images, through batches and coordinates."""
    from sklearn.neural_network import MLPClassifier

    # Adam, though the manual advises L-BFGS for small sets: where the classes overlap that takes longer, and its scores are far
    # too sure.
    return _spanned(MLPClassifier((64,), alpha=1e-2, max_iter=400, random_state=seed))


def _spanned(machine: Any) -> Any:
    """For machines that see distances or inner products: on the coordinates that the training images span."""
    from sklearn.pipeline import Pipeline

    from fusion.memo import Memoized
    from fusion.small_samples import Span

    return Pipeline([("span", Memoized(Span())), ("machine", machine)])


def _calibrated(machine: Any) -> Any:
    from fusion.small_samples import Calibrated

    return _spanned(Calibrated(machine, method="sigmoid", cv=3, ensemble=False))
