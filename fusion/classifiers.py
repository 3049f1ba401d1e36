"""The ten classifiers by name, with the settings that they run with. All give scores that add up to 1."""

from typing import Any

from indomain.errors import RequestError

CLASSIFIERS = {
    "linear-svm": "fusion.classifiers:linear_svm",
    "rbf-svm": "fusion.classifiers:rbf_svm",
    "knn": "fusion.classifiers:knn",
    "logistic-regression": "fusion.classifiers:logistic_regression",
    "decision-tree": "fusion.classifiers:decision_tree",
    "random-forest": "fusion.classifiers:random_forest",
    "gradient-boosting": "fusion.classifiers:gradient_boosting",
    "naive-bayes": "fusion.classifiers:naive_bayes",
    "lda": "fusion.classifiers:lda",
    "mlp": "fusion.classifiers:mlp",
}


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
    from sklearn.neighbors import KNeighborsClassifier

    class FewNeighbors(KNeighborsClassifier):
        n_neighbors: int

        def fit(self, X, y):
            # With fewer images than neighbours, all of them vote.
            self.n_neighbors = min(self.n_neighbors, len(X))
            return super().fit(X, y)

    return FewNeighbors(n_neighbors=5, weights="distance")


def logistic_regression(seed: int) -> Any:
    """Logistic regression with C = 1."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(class_weight="balanced", max_iter=5000)


def decision_tree(seed: int) -> Any:
    """A tree with at least five images in a leaf."""
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(min_samples_leaf=5, class_weight="balanced", random_state=seed)


def random_forest(seed: int) -> Any:
    """300 trees."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(300, class_weight="balanced", n_jobs=1, random_state=seed)


def gradient_boosting(seed: int) -> Any:
    """100 rounds of trees of depth 3, each split among √d of the d features (Friedman 2002, stochastic boosting)."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.utils.class_weight import compute_sample_weight

    class Balanced(GradientBoostingClassifier):
        def fit(self, X, y):
            return super().fit(X, y, compute_sample_weight("balanced", y))

    # The histogram kind is made for ten thousand images and more; on hundreds with thousands of features it takes minutes.
    return Balanced(n_estimators=100, max_depth=3, max_features="sqrt", random_state=seed)


def naive_bayes(seed: int) -> Any:
    """Gaussian naive Bayes."""
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def lda(seed: int) -> Any:
    """Linear discriminant analysis with a shrunk covariance, as there are more features than images."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def mlp(seed: int) -> Any:
    """One hidden layer of 64 units."""
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((64,), alpha=1e-2, max_iter=400, random_state=seed)


def _calibrated(machine: Any) -> Any:
    import numpy as np
    from sklearn.calibration import CalibratedClassifierCV

    class Calibrated(CalibratedClassifierCV):
        def fit(self, X, y):
            smallest = int(np.unique(y, return_counts=True)[1].min())
            if smallest < 2:
                raise RequestError("support vector machines need two training images of each class for their scores.")
            self.cv = min(3, smallest)
            return super().fit(X, y)

    # One machine on all images; the sigmoid is fitted on held-out decision values.
    return Calibrated(machine, method="sigmoid", cv=3, ensemble=False)
