"""Fitting a rule of fusion with its classifier, and choosing the classifier's settings within the training images."""

from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from fusion.blocks import inner_folds, patients_for
from fusion.scores import WEIGHTS, ScoreFusion
from indomain.errors import RequestError


def fit(
    whole: Any, classifier: Any, grid: dict[str, list] | None, X: np.ndarray, y: np.ndarray, groups: np.ndarray
) -> tuple[Any, dict]:
    """Fits an estimator, after choosing the settings of the classifier inside it if there is a grid.

    Settings are chosen by balanced accuracy in three inner folds of the images, each patient in one of them. Whatever holds
    out images inside the estimator keeps patients together, too.

    Args:
        whole: an estimator as a rule of `fusion.rules` returns it.
        classifier: the classifier inside it, the same object.
        grid: setting of the classifier -> the values to try; None: no choice.
        X: (images, features).
        y: int (images,), class numbers.
        groups: (images,), patients.

    Returns:
        The fitted estimator, and the settings and weights that were chosen, for the run's record.

    Raises:
        RequestError: a class is too small for a choice within these images.
    """
    patients = patients_for(whole, groups)
    chosen: dict[str, Any] = {}
    try:
        # Threads suffice, since trees and linear algebra release the interpreter lock. Each uses one thread of linear
        # algebra, so that results do not depend on the number of cores.
        with (
            joblib.parallel_config(backend="threading", n_jobs=-1),
            threadpool_limits(1),
            sklearn.config_context(enable_metadata_routing=True),
        ):
            if not grid:
                fitted = whole.fit(X, y, **patients)
            else:
                # The grid names settings of the classifier, which is nested somewhere inside the estimator.
                path = next(name for name, value in whole.get_params().items() if value is classifier)
                nested = {f"{path}__{name}": values for name, values in grid.items()}
                search = GridSearchCV(whole, nested, scoring="balanced_accuracy", cv=inner_folds(y, groups, 3))
                fitted = search.fit(X, y, **patients).best_estimator_
                chosen["settings"] = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
    except ValueError as error:
        if "nothing can be held out" in str(error):
            raise RequestError(
                f"fusion: {error}; ask for more labels, or leave out what holds out images (tune, rules that choose, support "
                "vector machines)."
            ) from None
        raise
    if isinstance(fitted, ScoreFusion) and fitted.rule in WEIGHTS:
        chosen["weights"] = np.asarray(fitted.weights_).round(4).tolist()
    return fitted, chosen


def scores_of(fitted: Any, X: np.ndarray) -> np.ndarray:
    """The scores (images, classes) of a fitted estimator, computed with one thread of linear algebra, as in `fit`.

    Args:
        fitted: as `fit` returned it.
        X: (images, features).
    """
    with threadpool_limits(1):
        return fitted.predict_proba(X)
