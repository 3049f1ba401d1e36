"""Fusion by concatenation: the features of several networks side by side, scaled by block, optionally reduced by PCA."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from fusion.blocks import block_columns
from fusion.small_samples import Span


class FeatureFusion(TransformerMixin, BaseEstimator):
    """Scales every feature to mean 0 and variance 1, divides each block by the square root of its width, then applies PCA.

    Without the division, a network with 1,200 features would outweigh one with 512 in every classifier that measures
    distances.

    Args:
        blocks: number of features of each network, in the order of the columns; None: all columns are one block.
        components: PCA components to keep: a number of at least 1, a share of the variance between 0 and 1, or None for no
            PCA. A number larger than that of images or features is reduced to it.
        random_state: seed of PCA's randomised solver.

    Example:
        >>> fused = make_pipeline(FeatureFusion(blocks=[512, 1200], components=0.95), LinearSVC())
        >>> cross_val_score(fused, features, y, groups=patients, cv=GroupKFold(5))  # fitted inside each fold
    """

    def __init__(self, blocks=None, components=None, random_state=0):
        self.blocks = blocks
        self.components = components
        self.random_state = random_state

    def fit(self, X, y=None):
        """Learns the scaling and the components.

        Args:
            X: (images, features).
            y: ignored.

        Raises:
            ValueError: the blocks do not add up to the features.
        """
        X = validate_data(self, X, dtype=[np.float64, np.float32])
        widths = [part.stop - part.start for part in block_columns(self.blocks, X.shape[1])]
        self.scaler_ = StandardScaler().fit(X)
        self.weights_ = np.concatenate([np.full(width, width**-0.5) for width in widths])
        self.pca_ = None
        if self.components is not None:
            is_share = isinstance(self.components, float) and self.components < 1
            components = self.components if is_share else min(int(self.components), *X.shape)
            scaled = self.scaler_.transform(X) * self.weights_
            # The components lie in the space that the images span, where they are found at a tenth of the cost.
            self.span_ = Span().fit(scaled)
            pca = PCA(components, svd_solver="full" if is_share else "auto", random_state=self.random_state)
            self.pca_ = pca.fit(self.span_.transform(scaled))
        return self

    def transform(self, X):
        """The fused features (images, fused features) of X, shape (images, features)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        scaled = self.scaler_.transform(X) * self.weights_
        return scaled if self.pca_ is None else self.pca_.transform(self.span_.transform(scaled))
