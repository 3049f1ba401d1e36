"""Fusion of scores: a classifier for each network, and one answer from all of theirs."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.parallel import Parallel, delayed

from fusion.blocks import BlockClassifier, inner_folds, unseen_scores

RULES = ("mean", "weighted", "stacking", "search")


class ScoreFusion(BlockClassifier):
    """One copy of a classifier on each block of features; their scores become one.

    mean: of the scores. weighted: a weighted mean; the weights, of sum 1, make the scores of images that no copy has seen as
    likely as possible. stacking: a logistic regression on such scores' logarithms (Wolpert 1992, Neural Networks 5:241). search:
    the mean of some copies only, by a forward search that adds the one that makes such scores likeliest, as long as one does
    (ensemble selection, Caruana et al. 2004, ICML, each copy once at most). Copies are fitted in as many threads as
    `joblib.parallel_config` allows.

    Args:
        estimator: a classifier with `predict_proba`.
        blocks: the number of features of each network, in the order of the columns; None: one block.
        rule: one of `RULES`.
        folds: of the training images, for scores that no copy has seen (all rules but "mean").

    Attributes:
        weights_: (blocks,) of sum 1; 0 where the search left a block out; None for "stacking".
        members_, estimators_: the numbers of the blocks that are not left out, and the copies fitted on them.

    Example:
        >>> sklearn.set_config(enable_metadata_routing=True)  # patients reach the folds inside, too
        >>> fused = ScoreFusion(LogisticRegression(), blocks=[512, 1200], rule="weighted").set_fit_request(groups=True)
        >>> cross_val_score(fused, features, y, params={"groups": patients}, cv=GroupKFold(5))  # fitted inside each fold
    """

    def __init__(self, estimator=None, blocks=None, rule="mean", folds=3):
        self.estimator = estimator
        self.blocks = blocks
        self.rule = rule
        self.folds = folds

    def fit(self, X, y, groups=None):
        """Learns from images of features X, shape (images, features), and classes y; `groups`: their patients.

        Raises:
            ValueError: an unknown rule, blocks that do not fit, or a class too small to hold anything out.
        """
        if self.rule not in RULES:
            raise ValueError(f"unknown rule {self.rule!r}; known: {', '.join(RULES)}")
        X, y, base = self._begun(X, y)
        everyone = range(len(self.parts_))
        self.weights_: np.ndarray | None = np.full(len(everyone), 1 / len(everyone))
        self.stacker_ = None
        if self.rule != "mean" and len(everyone) > 1:
            splits = inner_folds(y, groups, self.folds)
            unseen = _each(lambda part: unseen_scores(base, X[:, part], y, splits), self.parts_)
            if self.rule == "stacking":
                self.weights_ = None
                self.stacker_ = LogisticRegression(max_iter=1000).fit(logarithms(unseen), y)
            else:
                self.weights_ = WEIGHTS[self.rule](unseen, np.searchsorted(self.classes_, y))
        self.members_ = [number for number in everyone if self.weights_ is None or self.weights_[number]]
        self.estimators_ = _each(
            lambda part: clone(base).fit(X[:, part], y), [self.parts_[number] for number in self.members_]
        )
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
    """The weights, of sum 1, of the mean of scores that makes the true classes likeliest.

    The weights of a mixture by expectation and maximisation (Dempster et al. 1977): the likelihood has one maximum.

    Args:
        scores: (images, classes) of each member; y: (images,) class numbers.
    """
    of_truth = np.stack([np.maximum(one[np.arange(len(y)), y], 1e-6) for one in scores], axis=1)
    weights = np.full(len(scores), 1 / len(scores))
    for _ in range(500):
        shares = of_truth * weights
        updated = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(updated - weights).max() < 1e-6:
            break
        weights = updated
    return weights


def searched_weights(scores: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """Equal weights, of sum 1, for the members that a forward search chooses, 0 for the others.

    Adds the member that makes the true classes likeliest under the mean of those chosen, as long as one does.

    Args:
        scores: (images, classes) of each member; y: (images,) class numbers.
    """
    of_truth = np.stack([one[np.arange(len(y)), y] for one in scores])
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
    """The members' scores (images, classes) side by side, as logarithms: what a stacker learns on."""
    return np.log(np.clip(np.concatenate(scores, axis=1), 1e-6, 1.0))
