"""Fits that are made once per process and shared."""

import pickle
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import joblib
import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

MOST = 2**30  # bytes kept in a process, parts that results share counted again; the last result is kept in any case
_MADE: OrderedDict[str, Future] = OrderedDict()
_SIZES: dict[str, int] = {}
_LOCK = threading.Lock()


def _can(method: str) -> Any:
    return available_if(lambda self: hasattr(self.estimator, method))


class Memoized(MetaEstimatorMixin, BaseEstimator):
    """Wraps an estimator; identical fits on identical data are computed once per process.

    The key is the content of estimator and data, not where they lie. Made for the rules of fusion: what is fitted is shared, and
    not to be changed; patients (`groups`) are not handed on; an estimator that draws by chance must have its seed, as it would
    give its first draw again.

    Args:
        estimator: what does the work, a transformer or a classifier.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y=None):
        """Fits a copy of the estimator, or takes the one that was fitted on the same."""
        self.estimator_, _ = memoized(_fitted, clone(self.estimator), X, y)
        return self

    @_can("transform")
    def fit_transform(self, X, y=None):
        """As `fit`, then `transform`."""
        self.estimator_, transformed = memoized(_fitted, clone(self.estimator), X, y)
        return self.estimator_.transform(X) if transformed is None else transformed

    @_can("transform")
    def transform(self, X):
        """What the fitted transformer makes of X, shape (images, features)."""
        check_is_fitted(self)
        return self.estimator_.transform(X)

    @_can("predict")
    def predict(self, X):
        """The fitted classifier's classes of X, shape (images, features)."""
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @_can("predict_proba")
    def predict_proba(self, X):
        """The fitted classifier's scores (images, classes) of X, shape (images, features)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @property
    def classes_(self):
        """The classes of a fitted classifier, in the order of its scores."""
        return self.estimator_.classes_

    @property
    def n_features_in_(self):
        """The number of features of the images that it was fitted on."""
        return self.estimator_.n_features_in_

    def __sklearn_tags__(self):
        tags = get_tags(self.estimator)
        tags.array_api_support = False  # the content of NumPy's arrays is what is compared
        return tags


def _fitted(estimator: Any, X: Any, y: Any) -> tuple[Any, Any]:
    """The estimator, fitted, and what a transformer makes of X."""
    estimator.fit(X, y)
    if is_classifier(estimator):
        return estimator, None
    transformed = estimator.transform(X)
    # X is the caller's, who may change it.
    return estimator, np.array(transformed) if np.may_share_memory(transformed, X) else transformed


def memoized(work: Callable[..., Any], *given: Any) -> Any:
    """What `work(*given)` gives, from memory if it was asked for before; threads that ask for the same wait for one."""
    # A setting of scikit-learn decides whether transformers give arrays.
    asked = work.__module__, work.__qualname__, get_config()["transform_output"], given
    key, made = joblib.hash(asked, hash_name="sha1"), Future[Any]()
    try:
        with _LOCK:
            kept = _MADE.setdefault(key, made)
            _MADE.move_to_end(key)
        if kept is made:
            result = work(*given)
            _keep(key, result)
            made.set_result(result)
    except BaseException as error:
        with _LOCK:
            if _MADE.get(key) is made:
                del _MADE[key]
                _SIZES.pop(key, None)
        if not made.done():
            made.set_exception(error)
        raise
    return kept.result()


def _keep(key: str, result: Any) -> None:
    """Notes the size of what was made, and lets go of what was asked for longest ago."""
    arrays: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(result, protocol=5, buffer_callback=arrays.append)
    with _LOCK:
        _SIZES[key] = len(rest) + sum(array.raw().nbytes for array in arrays)
        for old in [old for old in _MADE if old in _SIZES and old != key]:
            if sum(_SIZES.values()) <= MOST:
                break
            del _MADE[old], _SIZES[old]
