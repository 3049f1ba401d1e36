"""A step before a classifier that is fitted once in a process for all classifiers that ask for it on the same images."""

from collections import OrderedDict
from typing import Any

import joblib
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

_KEPT = 4  # fitted steps, and what they made of their images: 70 MB for a thousand images with nine thousand features
_MADE: OrderedDict[str, tuple[Any, Any]] = OrderedDict()


class Once(TransformerMixin, BaseEstimator):
    """Does as its transformer does; equal transformers on equal images and classes are fitted once.

    The content of the data is the key, not where they lie: nothing can be taken for something else.

    Args:
        transformer: what does the work.
    """

    def __init__(self, transformer):
        self.transformer = transformer

    def fit(self, X, y=None):
        """Fits a copy of the transformer, or takes the one that was fitted on the same."""
        self._made(X, y)
        return self

    def fit_transform(self, X, y=None):
        """As `fit`, then `transform`."""
        return self._made(X, y)

    def transform(self, X):
        """What the fitted transformer makes of X, shape (images, features)."""
        check_is_fitted(self)
        return self.transformer_.transform(X)

    def _made(self, X, y):
        own = type(self.transformer).__qualname__, self.transformer.get_params()
        key = joblib.hash((own, X, y))
        if key not in _MADE:
            fitted = clone(self.transformer).fit(X, y)
            _MADE[key] = fitted, fitted.transform(X)
            while len(_MADE) > _KEPT:
                _MADE.popitem(last=False)
        _MADE.move_to_end(key)
        self.transformer_, made = _MADE[key]
        return made
