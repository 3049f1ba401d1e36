"""Fusion of scores: one classifier per network, whose scores are combined."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.parallel import Parallel, delayed

from fusion.blocks import BlockClassifier, inner_folds, patients_for, unseen_scores

RULES = ("mean", "weighted", "stacking", "search")


class ScoreFusion(BlockClassifier):
    """Fits one copy of a classifier on each block of features and combines their scores.

    All rules but "mean" learn from held-out scores: those of training images, by copies that were fitted without them.

    * mean: the mean of the scores.
    * weighted: a weighted mean; its weights maximise the likelihood of the held-out scores (see `likeliest_weights`).
    * stacking: a logistic regression on the logarithms of the held-out scores (Wolpert 1992, Neural Networks 5:241).
    * search: the mean of the copies that a forward search chooses (ensemble selection, Caruana et al. 2004, ICML, each copy
      at most once; see `searched_weights`).

    Copies are fitted in as many threads as `joblib.parallel_config` allows.

    Args:
        estimator: a classifier with `predict_proba`; None: a logistic regression.
        blocks: number of features of each network, in the order of the columns; None: all columns are one block.
        rule: one of `RULES`.
        folds: number of folds of the training images, for the held-out scores.

    Attributes:
        weights_: (blocks,), of sum 1; 0 for blocks that the search left out; None for "stacking".
        members_: numbers of the blocks that were not left out.
        estimators_: the copies fitted on these blocks.

    Example:
        >>> sklearn.set_config(enable_metadata_routing=True)  # hands patients on to the inner folds
        >>> fused = ScoreFusion(LogisticRegression(), blocks=[512, 1200], rule="weighted")
        >>> cross_val_score(fused, features, y, params={"groups": patients}, cv=GroupKFold(5))  # fitted inside each fold
    """

    def __init__(self, estimator=None, blocks=None, rule="mean", folds=3):
        self.estimator = estimator
        self.blocks = blocks
        self.rule = rule
        self.folds = folds

    def fit(self, X, y, groups=None):
        """Fits the copies and, if the rule has any, the weights or the stacker.

        Args:
            X: (images, features).
            y: (images,), classes.
            groups: (images,), patients, which the inner folds keep together; None: every image is independent.

        Raises:
            ValueError: an unknown rule, blocks that do not add up to the features, or a class too small to hold anything
                out.
        """
        if self.rule not in RULES:
            raise ValueError(f"unknown rule {self.rule!r}; known: {', '.join(RULES)}")
        X, y, base = self._start_fit(X, y)
        numbers = range(len(self.parts_))
        self.weights_: np.ndarray | None = np.full(len(numbers), 1 / len(numbers))
        self.stacker_ = None
        patients = patients_for(base, groups)
        with config_context(enable_metadata_routing=True):
            if self.rule != "mean" and len(numbers) > 1:
                splits = inner_folds(y, groups, self.folds)
                unseen = _each(lambda part: unseen_scores(base, X[:, part], y, splits, patients), self.parts_)
                if self.rule == "stacking":
                    self.weights_ = None
                    self.stacker_ = LogisticRegression(max_iter=1000).fit(logarithms(unseen), y)
                else:
                    self.weights_ = WEIGHTS[self.rule](unseen, np.searchsorted(self.classes_, y))
            self.members_ = [number for number in numbers if self.weights_ is None or self.weights_[number]]
            parts = [self.parts_[number] for number in self.members_]
            self.estimators_ = _each(lambda part: clone(base).fit(X[:, part], y, **patients), parts)
        return self

    def _scores(self, X):
        members = zip(self.estimators_, self.members_)
        scores = [estimator.predict_proba(X[:, self.parts_[number]]) for estimator, number in members]
        if self.stacker_ is not None:
            return self.stacker_.predict_proba(logarithms(scores))
        return np.einsum("k,knc->nc", np.asarray(self.weights_)[self.members_], np.stack(scores))


def _each(work: Callable[[slice], Any], parts: list[slice]) -> list[Any]:
    return Parallel(prefer="threads")(delayed(work)(part) for part in parts)


def likeliest_weights(scores: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """The weights of a mean of scores under which the true classes are most likely.

    These are the weights of a mixture, found by expectation maximisation (Dempster et al. 1977).

    Args:
        scores: for each member (images, classes).
        y: int (images,), class numbers.

    Returns:
        (members,), of sum 1.
    """
    # With p_ik the score of image i's true class by member k, the log-likelihood of the weights w, of sum 1, is
    #     L(w) = Σ_i log Σ_k w_k p_ik
    # The E step gives each member its share of an image, r_ik = w_k p_ik / Σ_l w_l p_il; the M step sets w_k to the mean
    # of r_ik over the images. Every round raises L, which is concave: there is no local maximum to be caught in.
    of_truth = np.stack([np.maximum(values[np.arange(len(y)), y], 1e-6) for values in scores], axis=1)
    weights = np.full(len(scores), 1 / len(scores))
    for _ in range(500):
        shares = of_truth * weights
        updated = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(updated - weights).max() < 1e-6:
            break
        weights = updated
    return weights


def searched_weights(scores: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """Equal weights for the members that a forward search chooses, 0 for the others.

    Args:
        scores: for each member (images, classes).
        y: int (images,), class numbers.

    Returns:
        (members,), of sum 1.
    """
    # With p_ik the score of image i's true class by member k, a set S of members has the mean log-likelihood
    #     L(S) = mean_i log( mean_{k in S} p_ik )
    # From the empty set, the search adds the member that yields the highest L, until none raises it any further.
    of_truth = np.stack([values[np.arange(len(y)), y] for values in scores])
    chosen: list[int] = []
    likeliest = -np.inf
    while left := [number for number in range(len(scores)) if number not in chosen]:
        means = [of_truth[[*chosen, number]].mean(axis=0) for number in left]
        likely = [np.log(np.maximum(mean, 1e-6)).mean() for mean in means]
        best = int(np.argmax(likely))
        if likely[best] <= likeliest:
            break
        chosen.append(left[best])
        likeliest = likely[best]
    return np.isin(np.arange(len(scores)), chosen) / len(chosen)


WEIGHTS = {"weighted": likeliest_weights, "search": searched_weights}


def logarithms(scores: list[np.ndarray]) -> np.ndarray:
    """The logarithms of all members' scores side by side, which the stacker learns from: (images, members · classes).

    Args:
        scores: for each member (images, classes).
    """
    return np.log(np.clip(np.concatenate(scores, axis=1), 1e-6, 1.0))
