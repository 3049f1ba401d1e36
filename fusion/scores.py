"""Fusion of scores: a classifier for each network, and one answer from all of theirs."""

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from fusion.blocks import BlockClassifier, unseen_scores

RULES = ("mean", "weighted", "stacking")


class ScoreFusion(BlockClassifier):
    """One copy of a classifier on each block of features; their scores become one.

    mean: of the scores. weighted: a weighted mean; the weights, of sum 1, make the scores of images that no copy has seen as
    likely as possible. stacking: a logistic regression on such scores' logarithms (Wolpert 1992, Neural Networks 5:241).

    Args:
        estimator: a classifier with `predict_proba`.
        blocks: the number of features of each network, in the order of the columns; None: one block.
        rule: one of `RULES`.
        folds: of the training images, for scores that no copy has seen ("weighted", "stacking").

    Example:
        >>> fused = ScoreFusion(SVC(probability=True), blocks=[512, 1200], rule="weighted")
        >>> cross_val_score(fused, features, y, groups=patients, cv=GroupKFold(5))  # fitted inside each fold
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
        self.estimators_ = [clone(base).fit(X[:, part], y) for part in self.parts_]
        self.weights_ = np.full(len(self.parts_), 1 / len(self.parts_))
        self.stacker_ = None
        if self.rule != "mean" and len(self.parts_) > 1:
            unseen = [unseen_scores(base, X[:, part], y, groups, self.folds) for part in self.parts_]
            if self.rule == "weighted":
                self.weights_ = likeliest_weights(unseen, np.searchsorted(self.classes_, y))
            else:
                self.stacker_ = LogisticRegression(max_iter=1000).fit(logarithms(unseen), y)
        return self

    def _scores(self, X):
        scores = [estimator.predict_proba(X[:, part]) for estimator, part in zip(self.estimators_, self.parts_)]
        if self.stacker_ is not None:
            return self.stacker_.predict_proba(logarithms(scores))
        return np.einsum("k,knc->nc", self.weights_, np.stack(scores))


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


def logarithms(scores: list[np.ndarray]) -> np.ndarray:
    """The members' scores (images, classes) side by side, as logarithms: what a stacker learns on."""
    return np.log(np.clip(np.concatenate(scores, axis=1), 1e-6, 1.0))
