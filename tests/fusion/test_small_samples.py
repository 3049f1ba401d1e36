"""What scikit-learn's classifiers need for few images with many features."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from fusion.small_samples import LEAST_SLOPE, BalancedBoosting, Calibrated, FewNeighbors, Span, fitted_sigmoid
from indomain.artifacts import predictions
from tests.fusion.features import three_networks


def margins(folds=3, **settings):
    return Calibrated(SVC(kernel="linear", **settings), folds)


@parametrize_with_checks([Span(), FewNeighbors(), margins(), BalancedBoosting(n_estimators=5)])
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


# Scores of margin classifiers.


def weak(draw):
    """Features of images in which the classes hardly differ, classes, patients of a few images, and who is learnt from.

    There are 50 to 130 training images, and twice as many others.
    """
    rng = np.random.default_rng(draw)
    count = 3 * int(rng.integers(50, 131))
    sick = rng.permutation(np.arange(count // 3) < rng.uniform(0.2, 0.5) * count / 3)
    groups = rng.permutation(np.arange(count) // 3)
    y, own = sick[groups].astype(int), rng.normal(0, 1, (count, 40))
    X = own[groups] + rng.normal(0, 1, (count, 40))
    X[:, :4] += 0.3 * y[:, None]
    return X, y, groups, groups % 3 == 0


def as_read(folder, scores):
    """Scores after they were written to predictions.csv and read again."""
    rows = pd.DataFrame(dict.fromkeys(predictions.KNOWN, ""), range(len(scores))).assign(y=0)
    predictions.write(folder / "predictions.csv", rows, scores, ["a", "b"])
    return predictions.read(folder / "predictions.csv", ["a", "b"])[2]


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_scores_rank_as_the_decision_values_do_however_weak_the_signal(tmp_path, kernel, grouped):
    tested = []
    for draw in range(200):
        X, y, groups, learnt = weak(draw)
        machine = Calibrated(SVC(kernel=kernel, class_weight="balanced"))
        with threadpool_limits(1):
            fitted = machine.fit(X[learnt], y[learnt], groups[learnt] if grouped else None)
        tested.append((y[~learnt], fitted.estimator_.decision_function(X[~learnt]), fitted.predict_proba(X[~learnt])))
    ends = np.cumsum([len(y) for y, *_ in tested])[:-1]
    written = np.split(as_read(tmp_path, np.concatenate([scores for *_, scores in tested])), ends)
    expected = [roc_auc_score(y, values) for y, values, _ in tested]
    assert [roc_auc_score(y, scores[:, 1]) for y, _, scores in tested] == expected
    assert [roc_auc_score(y, scores[:, 1]) for (y, *_), scores in zip(tested, written)] == expected
    for (_, values, _), scores in zip(tested, written):
        np.testing.assert_array_equal(rankdata(-scores[:, 0]), rankdata(values))


def test_images_far_beyond_those_learnt_from_are_still_ranked(tmp_path):
    # Classes that part by a wide gap make the steepest sigmoid: log-odds of ±300 would all be scores of 0 or 1.
    y = np.arange(60) % 2
    fitted = margins().fit((2 * y - 1)[:, None] + np.random.default_rng(0).normal(0, 0.1, (60, 1)), y)
    far = np.linspace(-100, 100, 400)[:, None]
    assert np.abs(fitted.slopes_ * fitted.estimator_.decision_function(far)).max() > 300
    assert (np.diff(as_read(tmp_path, fitted.predict_proba(far)), axis=0) * [-1, 1] > 0).all()


@pytest.mark.parametrize("smallest", [2, 3, 20])
def test_where_images_are_told_apart_the_scores_are_those_of_platts_sigmoid(smallest):
    # Another implementation, whose slope is free; with as many folds as the smallest class allows.
    y = (np.arange(40) < smallest).astype(int)
    X = np.random.default_rng(0).normal(size=(40, 4)) + 2 * y[:, None]
    by_hand = CalibratedClassifierCV(SVC(kernel="linear"), cv=min(5, smallest), ensemble=False).fit(X, y)
    np.testing.assert_allclose(margins(folds=5).fit(X, y).predict_proba(X), by_hand.predict_proba(X), atol=1e-4)


def test_of_three_classes_each_has_platts_sigmoid_against_the_others():
    y = np.arange(60) % 3
    X = np.random.default_rng(0).normal(size=(60, 4)) + 2 * np.eye(3, 4)[y]
    by_hand = CalibratedClassifierCV(SVC(kernel="linear"), cv=3, ensemble=False).fit(X, y)
    np.testing.assert_allclose(margins().fit(X, y).predict_proba(X), by_hand.predict_proba(X), atol=1e-4)


def test_of_three_classes_a_score_rises_with_its_own_decision_value_and_falls_with_the_others(monkeypatch):
    y = np.arange(60) % 3
    fitted = margins().fit(np.random.default_rng(0).normal(size=(60, 4)), y)
    values = np.random.default_rng(1).normal(size=(60, 3))
    for number in range(3):
        scores = []
        for raised in (values, values + 0.1 * np.eye(3)[number]):
            monkeypatch.setattr(fitted.estimator_, "decision_function", lambda X, raised=raised: raised)
            scores.append(fitted.predict_proba(np.zeros((60, 4))))
        rise = scores[1] - scores[0]
        assert (rise[:, number] > 0).all() and (np.delete(rise, number, axis=1) < 0).all()


def test_the_sigmoid_weighs_the_classes_as_the_machine_does():
    # The classes cannot be told apart: the scores are the classes' shares, of images or of weights.
    X, y = np.random.default_rng(0).normal(size=(100, 2)), (np.arange(100) < 20).astype(int)
    assert margins().fit(X, y).predict_proba(X)[:, 1].mean() == pytest.approx(0.2, abs=0.02)
    balanced = margins(class_weight="balanced").fit(X, y).predict_proba(X)[:, 1].mean()
    assert balanced == pytest.approx(0.5, abs=0.02)


def test_decision_values_that_say_the_opposite_give_the_least_slope():
    values, positive = np.linspace(-1, 1, 50), np.arange(50) < 25
    slope, offset = fitted_sigmoid(values, positive, np.ones(50))
    assert slope == pytest.approx(LEAST_SLOPE / values.std()) and offset == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("values", [np.zeros(20), np.full(20, 0.7), 0.7 + 1e-16 * np.arange(20)])
def test_decision_values_that_say_nothing_give_a_sigmoid_that_does_not_either(values):
    slope, offset = fitted_sigmoid(values, np.arange(20) < 5, np.ones(20))
    assert slope == LEAST_SLOPE and slope * values[0] + offset == pytest.approx(np.log(1 / 3), abs=0.3)


def test_the_sigmoid_does_not_see_the_images_that_a_patients_other_images_were_learnt_with():
    # Two images of a patient are the same and patients have nothing in common: only the patient is recognised.
    rng = np.random.default_rng(0)
    groups = rng.permutation(np.arange(120) // 2)
    y, X = groups % 2, rng.normal(size=(60, 30))[groups]
    machine = Calibrated(SVC(kernel="rbf", gamma=1.0))
    sure, unsure = (machine.fit(X, y, given).predict_proba(X)[:, 1] for given in (None, groups))
    assert np.abs(sure - 0.5).mean() > 0.4 and np.abs(unsure - 0.5).mean() < 0.1


@pytest.mark.parametrize(("groups", "what"), [(None, "image"), (np.array([0, 1, 2, 3, 3]), "patient")])
def test_a_class_of_one_image_or_patient_is_refused(groups, what):
    y = np.array([0, 0, 0, 1, 1]) if groups is not None else np.array([0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match=f"a class has one {what} only: nothing can be held out"):
        margins().fit(np.eye(5), y, groups)


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
