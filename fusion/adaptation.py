"""Domain adaptation on features: a classifier learns from labelled images of other sets, and from the target's without labels.

The methods are those that are simple and change least for the worse (Lalou et al. 2024, arXiv:2407.11676), by skada (the extra
`adaptation`): weights for the images of the sources, or a linear map of their features. A logistic regression follows, as
for networks off the shelf. None of them mends class shares that differ between the sets: alignment then maps the cases of one
class onto those of the other.
"""

import importlib
import importlib.util
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from threadpoolctl import threadpool_limits

from fusion.registry import ADAPTATIONS, adaptation
from indomain.artifacts import predictions
from indomain.artifacts.features import read_features
from indomain.data import domains
from indomain.data.split import Split
from indomain.errors import Diverged, RequestError
from indomain.runs.tags import SOURCE_ONLY, TARGET_TRAINED
from indomain.runs.task import Work

# Inverse of the strength of the classifier's regularisation, for each of the d features: 0.008 for 1,280, about as off the shelf.
C_OF_ALL = 10.0
# POT imports whatever of these is installed, although none is asked for.
_BACKENDS = [f"POT_BACKEND_DISABLE_{name}" for name in ("TENSORFLOW", "JAX", "PYTORCH", "CUPY")]


def check() -> None:
    """Raises a RequestError if skada is not installed."""
    if importlib.util.find_spec("skada") is None:
        raise RequestError(
            "[fusion.adaptation] needs skada, which is not installed: pip install 'indomain-pretraining[adaptation]'. Or leave "
            "fusion.adaptation.methods out."
        )


@contextmanager
def routed() -> Iterator[ModuleType]:
    """skada, and within the block scikit-learn's metadata routing, which it needs.

    Importing skada switches the routing on for the whole process, and imports TensorFlow, JAX and PyTorch where they are
    installed. Neither is left behind.
    """
    before = {name: os.environ.get(name) for name in _BACKENDS}
    with sklearn.config_context(enable_metadata_routing=True):
        os.environ.update(dict.fromkeys(_BACKENDS, "1"))
        try:
            skada = importlib.import_module("skada")
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        with warnings.catch_warnings():
            # Of settings that are passed on and not used, and of iterations of KLIEP: its weights serve as they are.
            warnings.simplefilter("ignore")
            yield skada


def kliep(features: int, seed: int) -> Any:
    """Weights by the Kullback–Leibler importance estimation procedure (Sugiyama et al. 2007).

    The width of its kernels has the highest likelihood for the target's images that are held out in five folds.

    Args:
        features: number of features d; the widths tried are multiples of 1 / d.
        seed: seed of the centres of the kernels.
    """
    import skada

    # The mean of the variances is 1: 1 / d is scikit-learn's "scale".
    widths = [factor / features for factor in (0.01, 0.1, 1.0)]
    return _then_classified(features, skada.KLIEPReweightAdapter(gamma=widths, random_state=seed))


def domain_classifier(features: int, seed: int, C: float = 0.01) -> Any:
    """Weights by the odds that a logistic regression gives an image of being one of the target's (Shimodaira 2000).

    Args:
        features: number of features.
        seed: not used.
        C: inverse of the strength of its regularisation.
    """
    return WeightedByDomain(features, C)


def subspace_alignment(features: int, seed: int, components: int = 20) -> Any:
    """The principal axes of the sources are turned onto those of the target (Fernando et al. 2013).

    Args:
        features: number of features.
        seed: of the solver of the principal components.
        components: number of axes; at most as many as features.
    """
    import skada

    return _then_classified(features, skada.SubspaceAlignmentAdapter(min(components, features), random_state=seed))


def coral(features: int, seed: int, shrinkage: float | str = "auto") -> Any:
    """The covariance of the sources' features becomes that of the target's (Sun et al. 2016).

    Args:
        features: number of features.
        seed: not used.
        shrinkage: of both covariances, 0 … 1; "auto": estimated (Ledoit & Wolf 2004).
    """
    import skada

    return _then_classified(features, skada.CORALAdapter(reg=shrinkage))


def linear_ot(features: int, seed: int, reg: float = 0.1) -> Any:
    """The linear map of least transport between two Gaussians, the sources' features and the target's (Flamary et al. 2020).

    Args:
        features: number of features.
        seed: not used.
        reg: what is added to the variances, whose mean is 1.
    """
    import skada

    return _then_classified(features, skada.LinearOTMappingAdapter(reg=reg))


class WeightedByDomain(ClassifierMixin, BaseEstimator):
    """A classifier whose training images are weighted by how much they look like the target's.

    skada's own, DiscriminatorReweight, gives the largest weights to the images that look least like it (0.6.0).

    Args:
        features: number of features.
        C: inverse of the strength of the regularisation of the logistic regression that tells sources from target.
    """

    def __init__(self, features: int, C: float = 0.01) -> None:
        self.features, self.C = features, C

    def fit(self, X: np.ndarray, y: np.ndarray, sample_domain: np.ndarray) -> "WeightedByDomain":
        """Fits to labelled images of sources and to images of the target.

        Args:
            X: (images, features).
            y: int (images,), classes; those of the target are not read.
            sample_domain: int (images,), above 0 for a source, below for the target.
        """
        is_source = sample_domain > 0
        domains = LogisticRegression(C=self.C, max_iter=5000).fit(X, ~is_source)
        log_odds = domains.decision_function(X[is_source])
        weights = np.exp(log_odds - log_odds.max())
        self.weights_ = weights / weights.mean()
        self.classifier_ = unadapted(self.features).fit(X[is_source], y[is_source], sample_weight=self.weights_)
        self.classes_ = self.classifier_.classes_
        return self

    def predict_proba(self, X: np.ndarray, sample_domain: np.ndarray | None = None) -> np.ndarray:
        """The scores (images, classes).

        Args:
            X: (images, features).
            sample_domain: not used.
        """
        return self.classifier_.predict_proba(X)


def _then_classified(features: int, adapter: Any) -> Any:
    """The adapter, and the classifier."""
    import skada

    return skada.make_da_pipeline(adapter, unadapted(features).set_fit_request(sample_weight=True))


def run(work: Work) -> dict[str, Any]:
    """A run of adaptation or of one of its controls: predicts the target's test images.

    Args:
        work: the run's, with the features of the target and of each source.

    Returns:
        Facts for the run's record: numbers of images, the settings chosen, and the share of each class in the sources and in
        the target. The labels behind the latter are read after the fit.
    """
    params = work.params
    split = Split.open(work.task.paths)
    rows, unlabelled = split.labelled(params), domains.unlabelled(split, params["fold"])
    features = read_features(work.inputs["features"][0])
    is_test = (rows["split"] == "test").to_numpy()
    learnt, y, numbers = _of_sources(work)
    scale = scale_of(learnt)
    X, unseen, learnt = (
        features(rows["row"].to_numpy()) / scale,
        features(unlabelled["row"].to_numpy()) / scale,
        learnt / scale,
    )
    name, choose = params["adaptation"], params.get("choose", "nothing")
    facts: dict[str, Any] = {"images": len(y), "images_without_label": len(unseen)}
    # One thread of linear algebra, as everywhere: results do not depend on the number of cores, and runs do not hinder another.
    with threadpool_limits(1):
        if name == TARGET_TRAINED:
            fitted = unadapted(X.shape[1]).fit(X[~is_test], rows["y"].to_numpy()[~is_test])
            facts = {"images": int((~is_test).sum())}
        elif name == SOURCE_ONLY:
            fitted = unadapted(X.shape[1]).fit(learnt, y)
            facts = {"images": len(y)}
        else:
            labels = unlabelled["y"].to_numpy() if choose == "target labels" else None
            fitted = Adapted(name, params["seed"], choose).fit(learnt, y, numbers, unseen, labels)
            facts |= {"settings": fitted.settings} if fitted.settings else {}
        scores = np.zeros((int(is_test.sum()), len(params["classes"])))
        # The sources need not have every class.
        scores[:, fitted.classes_.astype(int)] = fitted.predict_proba(X[is_test])
    if not np.isfinite(scores).all():
        raise Diverged("the scores after adaptation are not finite")
    predictions.write(work.folder / "predictions.csv", rows[is_test].reset_index(drop=True), scores, params["classes"])
    classes = len(params["classes"])
    of_target = domains.shares(unlabelled["y"].to_numpy(), classes)
    return facts | {"source_shares": domains.shares(y, classes), "target_shares": of_target}


def _of_sources(work: Work) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The features of the sources' images, their classes by the target's numbers, and the number of the source of each."""
    parts = []
    known = domains.sources(work.task.paths, work.params)
    for number, (folder, (_, table)) in enumerate(zip(work.inputs["sources"], known), start=1):
        features = read_features(folder)(table["row"].to_numpy())
        parts.append((features, table["y"].to_numpy(), np.full(len(table), number)))
    X, y, numbers = (np.concatenate(arrays) for arrays in zip(*parts))
    return X, y, numbers


class Adapted:
    """A classifier for the target that has learnt from other sets.

    Args:
        method: a key of `ADAPTATIONS`.
        seed: seed of whatever is random in it.
        choose: "nothing" or "prediction-entropy"; see `fusion.options.AdaptationOptions`.

    Attributes:
        settings: those that were chosen, {} where nothing was.
        classes_: the classes of the columns of `predict_proba`.
    """

    def __init__(self, method: str, seed: int, choose: str = "nothing") -> None:
        self.method, self.seed, self.choose = method, seed, choose
        self.settings: dict[str, Any] = {}
        self.classes_ = np.empty(0, int)
        self._fitted: Any = None
        self._domain = -1

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        domains: np.ndarray,
        target: np.ndarray,
        target_y: np.ndarray | None = None,
    ) -> "Adapted":
        """Fits to labelled images of the sources and to images of the target.

        Args:
            X: (images, features) of the sources, of a scale as `scale_of` makes it.
            y: int (images,), their classes.
            domains: int (images,), from 1, the source of each.
            target: (others, features) of the target, without labels.
            target_y: int (others,), labels of the target that choose the settings of an oracle; None: no label is seen.
        """
        grid = ADAPTATIONS[self.method].grid
        chooses = self.choose == "prediction-entropy" or target_y is not None
        tried = [dict(zip(grid, values)) for values in product(*grid.values())] if chooses else [{}]
        self.classes_, best = np.unique(y), -np.inf
        # skada numbers sources from 1 up and targets downwards, each with a number of its own.
        self._domain = -1 - int(domains.max())
        for settings in tried:
            fitted = self._fit(settings, X, y, domains, target)
            worth = self._worth(self._scores(fitted, target), target_y) if len(tried) > 1 else 0.0
            # Of equals the first is taken, the default.
            if worth > best:
                best, self._fitted, self.settings = worth, fitted, settings
        return self

    def _fit(
        self, settings: dict[str, Any], X: np.ndarray, y: np.ndarray, domains: np.ndarray, target: np.ndarray
    ) -> Any:
        everything = np.concatenate([X, target])
        # A label of −1 is none.
        labels = np.concatenate([y, np.full(len(target), -1)])
        domain = np.concatenate([domains, np.full(len(target), self._domain)])
        with routed():
            if self.method == "subspace-alignment":
                settings = {**settings, **_bounded(settings, min(len(X), len(target)))}
            estimator = adaptation(self.method)(X.shape[1], self.seed, **settings)
            return estimator.fit(everything, labels, sample_domain=domain)

    def _worth(self, scores: np.ndarray, target_y: np.ndarray | None) -> float:
        if target_y is not None:
            return float(balanced_accuracy_score(target_y, self.classes_[scores.argmax(axis=1)]))
        return float(np.mean(np.sum(scores * np.log(np.maximum(scores, 1e-12)), axis=1)))

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """The scores (images, classes) of images of the target.

        Args:
            X: (images, features).
        """
        return self._scores(self._fitted, X)

    def _scores(self, fitted: Any, X: np.ndarray) -> np.ndarray:
        with routed():
            return fitted.predict_proba(X, sample_domain=np.full(len(X), self._domain))


def _bounded(settings: dict[str, Any], images: int) -> dict[str, Any]:
    """The number of axes, of which there are fewer than images."""
    return {"components": min(settings.get("components", 20), images - 1)}


def unadapted(features: int) -> Any:
    """The classifier, which is all that there is of the controls.

    Args:
        features: number of features.
    """
    return LogisticRegression(C=C_OF_ALL / features, class_weight="balanced", max_iter=5000)


def scale_of(X: np.ndarray) -> float:
    """The number that all features are divided by, so that the mean of their variances is 1.

    It is one number. Of an ImageNet network's features up to a third hardly vary on radiographs of one part of the body; divided
    each by its own deviation they tower over all others on images of another set, and without adaptation nothing works.

    Args:
        X: (images, features) of the sources.
    """
    return float(np.sqrt(np.var(X, axis=0).mean())) or 1.0
