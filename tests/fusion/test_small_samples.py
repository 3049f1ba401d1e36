"""What scikit-learn's classifiers need for few images with many features."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks

from fusion.small_samples import BalancedBoosting, Calibrated, FewNeighbors, Span
from indomain.errors import RequestError
from tests.fusion.features import three_networks


def expected(estimator):
    if isinstance(estimator, Calibrated):
        return {
            "check_supervised_y_2d": "CalibratedClassifierCV itself fails on labels in one column without an ensemble"
        }
    return {}


def calibrated(cv=3):
    return Calibrated(SVC(kernel="linear"), method="sigmoid", cv=cv, ensemble=False)


@parametrize_with_checks(
    [Span(), FewNeighbors(), calibrated(), BalancedBoosting(n_estimators=5)], expected_failed_checks=expected
)
def test_they_are_estimators_of_scikit_learn(estimator, check):
    check(estimator)


def test_in_the_span_of_the_images_a_linear_classifier_learns_and_answers_the_same():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 300)), np.arange(40) % 2
    plain = LogisticRegression(tol=1e-10, max_iter=10_000).fit(X[:30], y[:30])
    span = Span().fit(X[:30])
    spanned = LogisticRegression(tol=1e-10, max_iter=10_000).fit(span.transform(X[:30]), y[:30])
    np.testing.assert_allclose(spanned.predict_proba(span.transform(X)), plain.predict_proba(X), atol=1e-5)


def test_the_span_has_as_many_coordinates_as_there_are_images():
    X = np.random.default_rng(0).normal(size=(40, 300))
    assert Span().fit(X[:30]).transform(X).shape == (40, 30)


@pytest.mark.parametrize("smallest", [2, 3, 20])
def test_the_sigmoid_is_fitted_on_as_many_parts_as_the_smallest_class_allows(smallest):
    X = np.random.default_rng(0).normal(size=(40, 4))
    y = (np.arange(40) < smallest).astype(int)
    by_hand = CalibratedClassifierCV(SVC(kernel="linear"), cv=min(5, smallest), ensemble=False).fit(X, y)
    np.testing.assert_array_equal(calibrated(cv=5).fit(X, y).predict_proba(X), by_hand.predict_proba(X))


class Watched(Calibrated):
    """Notes each of its parameters that is set after it was made."""

    def __setattr__(self, name, value):
        if name in self._get_param_names() and hasattr(self, name):
            changed.append(name)
        super().__setattr__(name, value)


changed: list[str] = []


def test_fit_sets_no_parameter_not_even_for_a_while():
    changed.clear()
    y = np.array([0, 0, 1, 1])
    watched = Watched(SVC(kernel="linear"), cv=3, ensemble=False).fit(np.eye(4), y)
    assert changed == [] and watched.cv == 3
    watched.cv = 2
    assert changed == ["cv"]


def test_a_class_of_one_image_is_refused():
    with pytest.raises(RequestError, match="support vector machines need two training images of each class"):
        calibrated().fit(np.eye(4), np.array([0, 0, 0, 1]))


def test_with_fewer_images_than_neighbours_all_of_them_vote():
    X, y = np.arange(3.0)[:, None], np.array([0, 0, 1])
    few = FewNeighbors(n_neighbors=15).fit(X, y)
    np.testing.assert_allclose(few.predict_proba([[0.0]]), [[2 / 3, 1 / 3]])
    assert few.n_neighbors == 15


def test_with_enough_images_the_neighbours_are_scikit_learns():
    X, y, _ = three_networks()
    found = FewNeighbors(n_neighbors=5, weights="distance").fit(X[:60], y[:60]).predict_proba(X[60:])
    expected = KNeighborsClassifier(n_neighbors=5, weights="distance").fit(X[:60], y[:60]).predict_proba(X[60:])
    np.testing.assert_array_equal(found, expected)


def test_every_class_weighs_the_same_in_boosting():
    X, y, _ = three_networks()
    X, y = X[y + (np.arange(120) % 4 == 0) > 0], y[y + (np.arange(120) % 4 == 0) > 0]
    assert y.mean() > 0.7
    weighted = GradientBoostingClassifier(n_estimators=5, random_state=0)
    weighted.fit(X, y, compute_sample_weight("balanced", y))
    found = BalancedBoosting(n_estimators=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), weighted.predict_proba(X))
