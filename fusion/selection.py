"""Fusion by selection: of all networks' features, those that are most informative about the classes."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_selection import SelectorMixin, f_classif
from sklearn.utils.validation import check_is_fitted, validate_data


class _Selection(SelectorMixin, BaseEstimator):
    """Base class that keeps the features whose column numbers `_chosen` returns.

    Args:
        features: number of features to keep.
    """

    def __init__(self, features=64):
        self.features = features

    def fit(self, X, y):
        """Chooses the features.

        Args:
            X: (images, features).
            y: (images,), classes.
        """
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.chosen_ = np.asarray(self._chosen(X, y, min(self.features, X.shape[1])))
        return self

    def _get_support_mask(self):
        check_is_fitted(self)
        return np.isin(np.arange(self.n_features_in_), self.chosen_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class MutualInformation(_Selection):
    """Selects the features with the highest mutual information with the class, each considered alone.

    Features are divided into eight bins of equal counts: the estimator by nearest neighbours (Kraskov et al. 2004) takes a
    hundred times as long, and there are thousands of features.

    Args:
        features: number of features to keep.
    """

    def _chosen(self, X, y, count):
        # With the joint distribution p(c, b) of the class c and a feature's bin b, the mutual information is
        #     I = Σ_c Σ_b p(c, b) log( p(c, b) / (p(c) p(b)) )
        # where p(c, b) = p(b | c) p(c), and p(c) and p(b) are its sums over b and over c. Empty cells contribute 0.
        edges = np.quantile(X, np.arange(1, 8) / 8, axis=0)
        bins = (X[None] > edges[:, None]).sum(axis=0)
        joint = np.stack([[(bins[y == value] == number).mean(axis=0) for number in range(8)] for value in np.unique(y)])
        joint *= np.unique(y, return_counts=True)[1][:, None, None] / len(y)
        by_chance = joint.sum(axis=0, keepdims=True) * joint.sum(axis=1, keepdims=True)
        terms = joint * np.log(np.divide(joint, by_chance, out=np.ones_like(joint), where=joint > 0))
        return np.argsort(-terms.sum(axis=(0, 1)), kind="stable")[:count]


class MRMR(_Selection):
    """Selects features of high relevance to the class and low redundancy (Peng et al. 2005, IEEE TPAMI 27:1226).

    The variant is `FCQ`, for continuous features, of Ding & Peng 2005 (J Bioinform Comput Biol 3:185).

    Args:
        features: number of features to keep.
    """

    def _chosen(self, X, y, count):
        # With the relevance F_j of feature j (its F statistic over the classes) and the features S chosen so far, the next
        # feature is the one that maximises
        #     F_j / ( mean_{s in S} |corr(x_j, x_s)| )
        # The first is the most relevant one. `unit` holds the features with mean 0 and variance 1, so that the product of
        # two of its columns, divided by the number of images, is their correlation; constant features become 0.
        spread = X.std(axis=0)
        varied = spread > 1e-12 * max(np.abs(X).max(), 1e-300)
        relevance = np.zeros(X.shape[1])
        if varied.any():
            # F is infinite where a feature separates the classes perfectly.
            relevance[varied] = np.nan_to_num(f_classif(X[:, varied], y)[0], nan=0.0, posinf=1e12)
        unit = np.where(varied, (X - X.mean(axis=0)) / np.where(varied, spread, 1.0), 0.0)
        redundancy, left = np.zeros(X.shape[1]), np.ones(X.shape[1], bool)
        chosen = []
        for number in range(count):
            value = relevance / np.maximum(redundancy / max(number, 1), 1e-3) if number else relevance
            best = int(np.argmax(np.where(left, value, -1.0)))
            chosen.append(best)
            left[best] = False
            redundancy += np.abs(unit.T @ unit[:, best]) / len(X)
        return chosen


class Importance(_Selection):
    """Selects features by recursive elimination: extra-trees are fitted, the less important half is left out, and so on.

    After Mormont et al. 2018 (CVPR workshops), who choose the number of features by cross-validation; here it is given.

    Args:
        features: number of features to keep.
    """

    def _chosen(self, X, y, count):
        left = np.arange(X.shape[1])
        while len(left) > count:
            trees = ExtraTreesClassifier(200, max_features="sqrt", random_state=0).fit(X[:, left], y)
            order = np.argsort(-trees.feature_importances_, kind="stable")
            left = left[order[: max(count, len(left) // 2)]]
        return left
