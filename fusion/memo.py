"""Memoized fits: identical fits on identical data are computed once per process and shared."""

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
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

# Bytes of results kept in a process; arrays that results share count for each, and the latest result is kept in any case.
MOST = 2**30
_MADE: OrderedDict[str, Future] = OrderedDict()  # key -> result, the least recently used first
_SIZES: dict[str, int] = {}  # key -> bytes of its result
_LOCK = threading.Lock()


def _can(method: str) -> Any:
    return available_if(lambda self: hasattr(self.estimator, method))


class Memoized(MetaEstimatorMixin, BaseEstimator):
    """Wraps an estimator; identical fits on identical data are computed once per process.

    Fits are identical if estimator and data have the same content, not only if they are the same objects. Meant for the
    rules of fusion, within these limits: fitted estimators are shared and must not be changed; a random estimator must have
    a fixed seed, since it would return its first result again.

    Args:
        estimator: the transformer or classifier to wrap.
    """

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y=None, **params):
        """Fits a copy of the estimator, or reuses one that was fitted on the same data.

        Args:
            X: (images, features).
            y: (images,), classes; None for estimators that do not need them.
            **params: what else the estimator's `fit` takes; `groups` (images,), patients, if it has inner folds.
        """
        self.estimator_, _ = memoized(_fitted, clone(self.estimator), X, y, params)
        return self

    @_can("transform")
    def fit_transform(self, X, y=None):
        """As `fit`, then `transform`; the transformed training data are memoized, too.

        Args:
            X: (images, features).
            y: (images,), classes; None for estimators that do not need them.
        """
        self.estimator_, transformed = memoized(_fitted, clone(self.estimator), X, y, {})
        return self.estimator_.transform(X) if transformed is None else transformed

    @_can("transform")
    def transform(self, X):
        """X, shape (images, features), transformed by the fitted transformer."""
        check_is_fitted(self)
        return self.estimator_.transform(X)

    @_can("predict")
    def predict(self, X):
        """The classes (images,) that the fitted classifier predicts for X, shape (images, features)."""
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @_can("predict_proba")
    def predict_proba(self, X):
        """The scores (images, classes) of the fitted classifier for X, shape (images, features)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @property
    def classes_(self):
        """The classes of a fitted classifier, in the order of its scores."""
        return self.estimator_.classes_

    @property
    def n_features_in_(self):
        """The number of features of the data that it was fitted on."""
        return self.estimator_.n_features_in_

    def get_metadata_routing(self):
        """What `fit` hands on: whatever the estimator asks for."""
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self):
        tags = get_tags(self.estimator)
        tags.array_api_support = False  # only the content of NumPy arrays is hashed
        return tags


def _fitted(estimator: Any, X: Any, y: Any, params: dict[str, Any]) -> tuple[Any, Any]:
    """The fitted estimator and, if it is a transformer, X transformed."""
    estimator.fit(X, y, **params)
    if is_classifier(estimator):
        return estimator, None
    transformed = estimator.transform(X)
    # X belongs to the caller, who may change it.
    return estimator, np.array(transformed) if np.may_share_memory(transformed, X) else transformed


def memoized(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of `work(*arguments)`, computed once; threads that need the same result wait for the first of them.

    Args:
        work: a function at the top level of a module.
        *arguments: its arguments; joblib hashes their content.
    """
    # Whether transformers return arrays depends on a global setting of scikit-learn.
    content = work.__module__, work.__qualname__, get_config()["transform_output"], arguments
    key, future = joblib.hash(content, hash_name="sha1"), Future[Any]()
    try:
        with _LOCK:
            shared = _MADE.setdefault(key, future)
            _MADE.move_to_end(key)
        if shared is future:
            result = work(*arguments)
            _keep(key, result)
            future.set_result(result)
    except BaseException as error:
        with _LOCK:
            if _MADE.get(key) is future:
                del _MADE[key]
                _SIZES.pop(key, None)
        if not future.done():
            future.set_exception(error)
        raise
    return shared.result()


def _keep(key: str, result: Any) -> None:
    """Records the size of a result, and drops the least recently used ones beyond `MOST`."""
    arrays: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(result, protocol=5, buffer_callback=arrays.append)
    with _LOCK:
        _SIZES[key] = len(rest) + sum(array.raw().nbytes for array in arrays)
        for old in [old for old in _MADE if old in _SIZES and old != key]:
            if sum(_SIZES.values()) <= MOST:
                break
            del _MADE[old], _SIZES[old]
