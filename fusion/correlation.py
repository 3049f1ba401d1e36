"""Fusion by canonical correlation: what two networks say alike, then with the third, and so on.

Sun et al. 2005 (Pattern Recognition 38:2437) fuse two feature sets by their canonical variates, side by side; more sets are
folded in one after the other (as Haghighat et al. 2016, IEEE TIFS 11:1984, do with their discriminant variant).
"""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from fusion.blocks import block_columns


class CanonicalFusion(TransformerMixin, BaseEstimator):
    """Scales each block, reduces it by PCA, and folds the blocks by canonical correlation analysis.

    With more features than images any two blocks correlate perfectly: hence the PCA first, whose components, at most a fifth
    of the images, bound what can be found by chance.

    Args:
        blocks: the number of features of each network, in the order of the columns; None: one block, which is only reduced.
        components: of each block, and of each fold, at most.
        random_state: for PCA's randomised solver.
    """

    def __init__(self, blocks=None, components=20, random_state=0):
        self.blocks = blocks
        self.components = components
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learns from the images of X, shape (images, features)."""
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """As `fit`, then `transform`."""
        return self._fit(X)

    def transform(self, X):
        """(images, features) to (images, fused features): the variates of both sides of the last fold."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        parts = [reducer.transform(X[:, part]) for reducer, part in zip(self.reducers_, self.parts_)]
        fused = parts[0]
        for fold, part in zip(self.folds_, parts[1:]):
            fused = np.concatenate(fold.transform(fused, part), axis=1)
        return fused

    def _fit(self, X):
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.parts_ = block_columns(self.blocks, X.shape[1])
        self.reducers_, self.folds_ = [], []
        fused = None
        for part in self.parts_:
            kept = max(1, min(self.components, len(X) // 5, part.stop - part.start))
            reducer = make_pipeline(StandardScaler(), PCA(kept, random_state=self.random_state))
            self.reducers_.append(reducer)
            reduced = reducer.fit_transform(X[:, part])
            if fused is None:
                fused = reduced
                continue
            fold = CCA(min(kept, fused.shape[1]), max_iter=2000)
            self.folds_.append(fold.fit(fused, reduced))
            fused = np.concatenate(fold.transform(fused, reduced), axis=1)
        return fused
