"""A search for the networks worth fusing, inside the training images: the choice pays for itself."""

import numpy as np
from sklearn.base import clone
from sklearn.metrics import log_loss

from fusion.blocks import BlockClassifier, unseen_scores


class ForwardSearch(BlockClassifier):
    """Adds the network that lowers the log loss most, as long as one does, and fits on those chosen.

    The loss is that of training images which the classifier has not seen (inner folds, patients together); test images play
    no part (Kohavi & John 1997, Artif Intell 97:273, on wrappers).

    Args:
        estimator: a classifier with `predict_proba`, or a pipeline that ends in one; fitted on the blocks chosen, side by side.
        blocks: the number of features of each network, in the order of the columns; None: one block.
        folds: of the training images.

    Attributes:
        chosen_: the numbers of the blocks, in the order in which they were added.
    """

    def __init__(self, estimator=None, blocks=None, folds=3):
        self.estimator = estimator
        self.blocks = blocks
        self.folds = folds

    def fit(self, X, y, groups=None):
        """Searches, then fits, on images of features X, shape (images, features), classes y and patients `groups`."""
        X, y, base = self._begun(X, y)
        self.chosen_, lowest = ([0], -np.inf) if len(self.parts_) == 1 else ([], np.inf)
        while len(self.chosen_) < len(self.parts_):
            losses = {}
            for number in sorted(set(range(len(self.parts_))) - set(self.chosen_)):
                scores = unseen_scores(base, self._columns(X, [*self.chosen_, number]), y, groups, self.folds)
                scores = np.clip(scores, 1e-6, 1.0)
                losses[number] = log_loss(y, scores / scores.sum(axis=1, keepdims=True), labels=self.classes_)
            best = min(losses, key=lambda number: losses[number])
            if losses[best] >= lowest:
                break
            self.chosen_.append(best)
            lowest = losses[best]
        self.estimator_ = clone(base).fit(self._columns(X, self.chosen_), y)
        return self

    def _scores(self, X):
        return self.estimator_.predict_proba(self._columns(X, self.chosen_))

    def _columns(self, X, chosen):
        return np.concatenate([X[:, self.parts_[number]] for number in chosen], axis=1)
