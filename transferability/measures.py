"""Measures of transferability: one number for how well features of images say the classes. Greater is better.

They must be given training images only. Formulas after the papers named; where copies differ from them, as for LogME, the
paper's own holds.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, label_binarize

from indomain.errors import RequestError

NEIGHBOURS = 5
FOLDS = 5  # of the linear probe
ENERGY = 0.8  # share of the variance that NLEEP's components keep
PER_CLASS = 5  # NLEEP's mixture components for each class


def knn(features: np.ndarray, y: np.ndarray, groups: np.ndarray) -> float:
    """Balanced accuracy of the five nearest neighbours among the other patients' images, on standardised features.

    Args:
        features: (images, features).
        y: (images,), classes from 0.
        groups: (images,), patients.
    """
    scaled = StandardScaler().fit_transform(features)
    squares = (scaled**2).sum(axis=1)
    distances = squares[:, None] + squares - 2 * scaled @ scaled.T
    distances[groups[:, None] == groups] = np.inf
    near = np.argsort(distances, axis=1, kind="stable")[:, :NEIGHBOURS]
    votes = np.stack([(y[near] == label).sum(axis=1) for label in range(int(y.max()) + 1)], axis=1)
    return float(balanced_accuracy_score(y, votes.argmax(axis=1)))


def linear_probe(features: np.ndarray, y: np.ndarray, groups: np.ndarray, seed: int = 0) -> float:
    """AUROC of a logistic regression on standardised features, cross-validated with patients kept together.

    Of several classes: the mean of each against the others.

    Args:
        features: (images, features).
        y: (images,), classes from 0.
        groups: (images,), patients.
        seed: of the folds.

    Raises:
        RequestError: a class has fewer than two patients, so that none can be held out.
    """
    fewest = min(len(np.unique(groups[y == label])) for label in np.unique(y))
    if fewest < 2:
        raise RequestError("a linear probe needs two patients of each class, one to learn from and one to be tested.")
    scores = np.zeros((len(y), int(y.max()) + 1))
    folds = StratifiedGroupKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    for learnt, held_out in folds.split(features, y, groups):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000))
        model.fit(features[learnt], y[learnt])
        scores[np.ix_(held_out, model.classes_.astype(int))] = model.predict_proba(features[held_out])
    if scores.shape[1] == 2:
        return float(roc_auc_score(y, scores[:, 1]))
    return float(roc_auc_score(label_binarize(y, classes=range(scores.shape[1])), scores, average="macro"))


def h_score(features: np.ndarray, y: np.ndarray) -> float:
    """The H-score with Ledoit and Wolf's covariance: tr(cov(f)⁻¹ cov(E[f | y])), at most classes − 1 (Ibrahim et al. 2021).

    Args:
        features: (images, features).
        y: (images,), classes from 0.
    """
    centred = features - features.mean(axis=0)
    covariance, shrinkage = ledoit_wolf(centred, assume_centered=True)
    means = np.zeros_like(centred)
    for label in np.unique(y):
        means[y == label] = centred[y == label].mean(axis=0)
    between = (1 - shrinkage) * means.T @ means / len(y)
    return float(np.trace(np.linalg.solve(covariance, between)))


def log_me(features: np.ndarray, y: np.ndarray) -> float:
    """The log of the greatest evidence of a Bayesian linear regression on the classes, per image (LogME, You et al. 2021).

    Of each class's indicator y: the maximum over α and β of log N(y; 0, I/β + FFᵀ/α) / N, and the mean over the classes. It is
    exact for any number of images and features. The fixed-point iteration that is widely copied leaves out a term where there
    are more features than images, and returns values that are no log evidence.

    Args:
        features: F, (images N, features).
        y: (images,), classes from 0.
    """
    left, singular, _ = np.linalg.svd(features.astype(np.float64), full_matrices=False)
    variances = singular**2
    return float(np.mean([_evidence(left, variances, (y == label).astype(float)) for label in np.unique(y)]))


def _evidence(left: np.ndarray, variances: np.ndarray, target: np.ndarray) -> float:
    """The greatest log evidence of one target, per image.

    With λ = α/β the covariance is (I + FFᵀ/λ)/β, whose best 1/β is known for each λ: one number remains to be searched.
    """
    number = len(target)
    inside = (left.T @ target) ** 2
    outside = max(float(target @ target - inside.sum()), 0.0)

    def negative(log_ratio: float) -> float:
        scale = 1 + variances / np.exp(log_ratio)
        noise = max((float((inside / scale).sum()) + outside) / number, np.finfo(float).tiny)
        return 0.5 * (np.log(2 * np.pi * noise) + np.log(scale).sum() / number + 1)

    # The curve can have several hills: a grid finds the highest, and a bounded search its top.
    grid = np.linspace(np.log(max(variances[0], 1e-300)) - 40, np.log(max(variances[0], 1e-300)) + 15, 111)
    values = [negative(value) for value in grid]
    best = int(np.argmin(values))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    return -min(values[best], float(minimize_scalar(negative, bounds=bounds, method="bounded").fun))


def leep(probabilities: np.ndarray, y: np.ndarray) -> float:
    """The log expected empirical prediction, at most 0 (Nguyen et al. 2020).

    Args:
        probabilities: (images, classes of the source), of the source's own head.
        y: (images,), classes of the target from 0.
    """
    of_target = np.eye(int(y.max()) + 1)[y]
    joint = of_target.T @ probabilities / len(y)
    given = joint / np.maximum(joint.sum(axis=0), np.finfo(float).tiny)
    expected = (probabilities @ given.T)[np.arange(len(y)), y]
    return float(np.log(np.maximum(expected, np.finfo(float).tiny)).mean())


def nce(probabilities: np.ndarray, y: np.ndarray) -> float:
    """Minus the entropy of the target's classes given the class that the source's head decides for (Tran et al. 2019).

    Args:
        probabilities: as for `leep`.
        y: as for `leep`.
    """
    decided = probabilities.argmax(axis=1)
    joint = np.zeros((probabilities.shape[1], int(y.max()) + 1))
    np.add.at(joint, (decided, y), 1 / len(y))
    given = joint / np.maximum(joint.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return float((joint[joint > 0] * np.log(given[joint > 0])).sum())


def nleep(features: np.ndarray, y: np.ndarray, seeds: int = 3) -> float:
    """LEEP with the components of a Gaussian mixture in the place of a source's classes (Li et al. 2021).

    Five components for each class, on principal components with 80 % of the variance. A mixture depends on its random start:
    the mean over several.

    Args:
        features: (images, features).
        y: (images,), classes from 0.
        seeds: number of mixtures.
    """
    reduced = PCA(ENERGY, svd_solver="full").fit_transform(features.astype(np.float64))
    components = min(PER_CLASS * len(np.unique(y)), len(y) // 2)
    found = []
    for seed in range(seeds):
        mixture = GaussianMixture(components, random_state=seed, reg_covar=1e-4 * max(reduced.var(), 1e-12))
        found.append(leep(mixture.fit(reduced).predict_proba(reduced), y))
    return float(np.mean(found))
