"""The rules of fusion, the classifiers and the methods of adaptation by name.

This file imports no scikit-learn, so that checking a recipe is fast.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from indomain.errors import look_up


@dataclass(frozen=True)
class Rule:
    """A rule of fusion: how one classifier uses the features of several networks.

    Attributes:
        function: "module:function", called with the widths of the networks' features, a classifier and `components`;
            returns a scikit-learn estimator in which everything that learns is fitted together.
        components: what `[fusion] components` means for it: "count" (a number of features), "count or share" (a number, or a
            share of the variance), or "" (nothing).
        chooses: whether it chooses on held-out training images, and so needs enough of them.
        of_one: whether it is of use for the features of one network, too.
        of_heads: the rule of `fusion.scores` that fuses the networks' own heads, "" if there is none.
    """

    function: str
    components: str = ""
    chooses: bool = False
    of_one: bool = False
    of_heads: str = ""


RULES = {
    "concat": Rule("fusion.rules:concat", components="count or share"),
    "pca": Rule("fusion.rules:pca", components="count or share"),
    "cca": Rule("fusion.rules:cca", components="count"),
    "mrmr": Rule("fusion.rules:mrmr", components="count"),
    "mutual-information": Rule("fusion.rules:mutual_information", components="count"),
    "importance": Rule("fusion.rules:importance", components="count", of_one=True),
    "score-mean": Rule("fusion.rules:score_mean", of_heads="mean"),
    "score-weighted": Rule("fusion.rules:score_weighted", chooses=True, of_heads="weighted"),
    "score-stacking": Rule("fusion.rules:score_stacking", chooses=True, of_heads="stacking"),
    "score-search": Rule("fusion.rules:score_search", chooses=True, of_heads="search"),
}


@dataclass(frozen=True)
class Classifier:
    """A classifier on features.

    Attributes:
        function: "module:function", called with a seed; returns a scikit-learn classifier with `predict_proba`.
        grid: setting -> the values that `[fusion] tune = true` chooses from, the default first; {}: nothing to choose.
        holds_out: whether it holds out training images of its own, and so needs two patients of each class.
    """

    function: str
    grid: dict[str, list[Any]] = field(default_factory=dict)
    holds_out: bool = False


CLASSIFIERS = {
    "linear-svm": Classifier(
        "fusion.classifiers:linear_svm", {"machine__estimator__C": [1.0, 0.01, 0.1, 10.0]}, holds_out=True
    ),
    "rbf-svm": Classifier(
        "fusion.classifiers:rbf_svm", {"machine__estimator__C": [1.0, 0.1, 10.0, 100.0]}, holds_out=True
    ),
    "knn": Classifier("fusion.classifiers:knn", {"machine__n_neighbors": [5, 1, 3, 9, 15]}),
    "logistic-regression": Classifier("fusion.classifiers:logistic_regression", {"machine__C": [1.0, 0.01, 0.1, 10.0]}),
    "decision-tree": Classifier("fusion.classifiers:decision_tree", {"min_samples_leaf": [5, 1, 10, 20]}),
    "random-forest": Classifier("fusion.classifiers:random_forest", {"max_features": ["sqrt", 0.1]}),
    "extra-trees": Classifier("fusion.classifiers:extra_trees", {"max_features": ["sqrt", 0.1, 0.5]}),
    "gradient-boosting": Classifier(
        "fusion.classifiers:gradient_boosting", {"learning_rate": [0.1, 0.03], "max_depth": [3, 1]}
    ),
    "naive-bayes": Classifier("fusion.classifiers:naive_bayes", {"var_smoothing": [1e-9, 1e-3, 1e-1]}),
    # Nothing to choose: its shrinkage is estimated.
    "lda": Classifier("fusion.classifiers:lda"),
    "mlp": Classifier("fusion.classifiers:mlp", {"machine__alpha": [1e-2, 1e-4, 1.0]}),
}


@dataclass(frozen=True)
class Adaptation:
    """A method of domain adaptation on features.

    Attributes:
        function: "module:function", called with the number of features, a seed and settings; returns a scikit-learn estimator
            that is fitted with `sample_domain`.
        grid: setting -> the values that `[fusion.adaptation] choose` and `oracle` choose from, the default first; {}: it chooses
            for itself, without labels, or there is nothing to choose.
    """

    function: str
    grid: dict[str, list[Any]] = field(default_factory=dict)


ADAPTATIONS = {
    "kliep": Adaptation("fusion.adaptation:kliep"),
    "domain-classifier": Adaptation("fusion.adaptation:domain_classifier", {"C": [0.01, 0.001, 0.1, 1.0]}),
    "subspace-alignment": Adaptation("fusion.adaptation:subspace_alignment", {"components": [20, 5, 10, 50, 100]}),
    "coral": Adaptation("fusion.adaptation:coral", {"shrinkage": ["auto", 0.1, 0.5, 0.9]}),
    "linear-ot": Adaptation("fusion.adaptation:linear_ot", {"reg": [0.1, 0.01, 1.0, 10.0]}),
}


def rule(name: str) -> Callable[..., Any]:
    """The function of a rule of fusion.

    Args:
        name: a key of `RULES`.

    Raises:
        RequestError: an unknown name.
    """
    return look_up({known: entry.function for known, entry in RULES.items()}, name, "rule of fusion")


def classifier(name: str, seed: int) -> Any:
    """A classifier by name, not fitted.

    Args:
        name: a key of `CLASSIFIERS`.
        seed: seed of its random part, if it has one.

    Raises:
        RequestError: an unknown name.
    """
    return look_up({known: entry.function for known, entry in CLASSIFIERS.items()}, name, "classifier")(seed)


def adaptation(name: str) -> Callable[..., Any]:
    """The function of a method of adaptation.

    Args:
        name: a key of `ADAPTATIONS`.

    Raises:
        RequestError: an unknown name.
    """
    return look_up({known: entry.function for known, entry in ADAPTATIONS.items()}, name, "method of adaptation")
