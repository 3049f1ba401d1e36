"""Fitting a rule of fusion with its classifier, and choosing the classifier's settings inside the training images."""

from typing import Any

import joblib
import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from fusion.blocks import BlockClassifier, inner_folds
from fusion.scores import WEIGHTS, ScoreFusion
from indomain.errors import RequestError


def fit(
    whole: Any, classifier: Any, grid: dict[str, list] | None, X: np.ndarray, y: np.ndarray, groups: np.ndarray
) -> tuple[Any, dict]:
    """`whole`, which holds `classifier`, fitted on the images given; with `grid`, under the settings that do best there.

    Args:
        whole: what a rule of `fusion.rules` gives. grid: a setting of the classifier -> the values to try; None: as it is.
        X: (images, features); y: (images,) class numbers; groups: (images,) patients.

    Returns:
        The fitted estimator, and what was chosen, for the run's record.

    Raises:
        RequestError: a class is too small for a choice inside the training images.
    """
    own = {"groups": groups} if isinstance(whole, BlockClassifier) else {}
    chosen: dict[str, Any] = {}
    try:
        # In threads, as trees and linear algebra give up the interpreter; one of linear algebra in each: no digit hangs on the
        # cores.
        with (
            joblib.parallel_config(backend="threading", n_jobs=-1),
            threadpool_limits(1),
            sklearn.config_context(enable_metadata_routing=bool(grid)),
        ):
            if not grid:
                fitted = whole.fit(X, y, **own)
            else:
                # Settings are the classifier's: it stands somewhere inside.
                path = next(name for name, value in whole.get_params().items() if value is classifier)
                inside = {f"{path}__{name}": values for name, values in grid.items()}
                if own:
                    whole.set_fit_request(groups=True)
                search = GridSearchCV(whole, inside, scoring="balanced_accuracy", cv=inner_folds(y, groups, 3))
                fitted = search.fit(X, y, **own).best_estimator_
                # The request has served, and is no part of what is kept.
                vars(fitted).pop("_metadata_request", None)
                chosen["settings"] = {name.rpartition("__")[2]: value for name, value in search.best_params_.items()}
    except ValueError as error:
        if "nothing can be held out" in str(error):
            raise RequestError(f"fusion: {error}; ask for more labels, or for no choice (tune, rules).") from None
        raise
    if isinstance(fitted, ScoreFusion) and fitted.rule in WEIGHTS:
        chosen["weights"] = np.asarray(fitted.weights_).round(4).tolist()
    return fitted, chosen


def scores_of(fitted: Any, X: np.ndarray) -> np.ndarray:
    """The scores (images, classes) of X, shape (images, features), with one thread of linear algebra, as `fit`."""
    with threadpool_limits(1):
        return fitted.predict_proba(X)
