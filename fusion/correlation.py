"""Fusion by canonical correlation: what two networks' features have in common, then what that has in common with a third's.

Sun et al. 2005 (Pattern Recognition 38:2437) fuse two sets of features by concatenating their canonical variates; further
sets are folded in one after another (as in the discriminant variant of Haghighat et al. 2016, IEEE TIFS 11:1984).
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
    """Scales each block, reduces it by PCA, and folds the blocks together by canonical correlation analysis.

    With more features than images, any two blocks can be made to correlate perfectly. PCA to at most a fifth as many
    components as images limits such chance correlations.

    Args:
        blocks: number of features of each network, in the order of the columns; None: all columns are one block, which is
            only scaled and reduced.
        components: largest number of components of each block, and of pairs of variates in each fold.
        random_state: seed of PCA's randomised solver.
    """

    def __init__(self, blocks=None, components=20, random_state=0):
        self.blocks = blocks
        self.components = components
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learns the scaling, the components and the canonical variates.

        Args:
            X: (images, features).
            y: ignored.

        Raises:
            ValueError: the blocks do not add up to the features.
        """
        self._fit(X)
        return self

    def fit_transform(self, X, y=None):
        """As `fit`, then `transform`.

        Args:
            X: (images, features).
            y: ignored.

        Returns:
            (images, fused features).
        """
        return self._fit(X)

    def transform(self, X):
        """The variates (images, fused features) of both sides of the last fold, for X of shape (images, features)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        parts = [reducer.transform(X[:, part]) for reducer, part in zip(self.reducers_, self.parts_)]
        fused = parts[0]
        for fold, part in zip(self.folds_, parts[1:]):
            fused = np.concatenate(fold.transform(fused, part), axis=1)
        return fused

    def _fit(self, X):
        # For two centred sets of features A and B, canonical correlation analysis finds pairs of directions a and b with
        #     max corr(A a, B b), uncorrelated with the pairs before
        # A fold replaces A and B by the variates [A a_1 … A a_k, B b_1 … B b_k] side by side, and these are the A of the
        # next fold, whose B is the next block.
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        self.parts_ = block_columns(self.blocks, X.shape[1])
        self.reducers_, self.folds_ = [], []
        fused = None
        for part in self.parts_:
            components = max(1, min(self.components, len(X) // 5, part.stop - part.start))
            reducer = make_pipeline(StandardScaler(), PCA(components, random_state=self.random_state))
            self.reducers_.append(reducer)
            reduced = reducer.fit_transform(X[:, part])
            if fused is None:
                fused = reduced
                continue
            fold = CCA(min(components, fused.shape[1]), max_iter=2000)
            self.folds_.append(fold.fit(fused, reduced))
            fused = np.concatenate(fold.transform(fused, reduced), axis=1)
        return fused
