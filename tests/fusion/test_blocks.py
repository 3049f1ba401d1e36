"""Which columns belong to which network, and what is held out inside a training set."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from fusion.blocks import _spread, block_columns, inner_folds, patients_for, unseen_scores
from fusion.memo import Memoized
from fusion.registry import RULES
from fusion.scores import ScoreFusion
from tests.fusion.features import three_networks, whole_of


def test_blocks_stand_side_by_side():
    assert block_columns([2, 3], 5) == [slice(0, 2), slice(2, 5)]


def test_without_blocks_all_columns_are_one():
    assert block_columns(None, 7) == [slice(0, 7)]


def test_blocks_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="blocks add up to 20 features, X has 110"):
        block_columns([10, 10], 110)


def test_the_images_of_a_patient_stay_on_one_side():
    _, y, groups = three_networks()
    for learnt, held_out in inner_folds(y, groups, 3):
        assert not set(groups[learnt]) & set(groups[held_out]) and len(learnt) + len(held_out) == len(y)


def test_every_image_is_held_out_once():
    _, y, groups = three_networks()
    held_out = np.concatenate([fold for _, fold in inner_folds(y, groups, 3)])
    assert sorted(held_out) == list(range(len(y)))


def test_a_small_class_has_fewer_folds():
    y = np.array([0] * 10 + [1, 1])
    assert len(inner_folds(y, None, 5)) == 2


@pytest.mark.parametrize(("groups", "what"), [(None, "image"), (np.array([0, 0, 1, 2, 3, 3]), "patient")])
def test_a_class_that_cannot_be_held_out_is_named_by_what_it_has_one_of(groups, what):
    y = np.array([0, 0, 1, 1, 1, 1]) if groups is not None else np.array([0, 1, 1, 1, 1, 1])
    with pytest.raises(ValueError, match=f"a class has one {what} only"):
        inner_folds(y, groups, 3)


@pytest.mark.parametrize(
    "images",
    [
        # Patient and class of each image; stratified folds would hold out all patients of a class at once.
        {(2, 0): 1, (2, 1): 1, (3, 0): 1, (1, 1): 1},
        {(11, 0): 8, (9, 0): 77, (7, 1): 61, (11, 1): 21, (12, 1): 2, (16, 1): 4, (8, 1): 2},
        {(3, 0): 8, (5, 0): 46, (9, 0): 17, (3, 1): 10, (7, 1): 102},
    ],
)
@pytest.mark.parametrize("folds", [2, 3, 5])
def test_few_patients_are_spread_so_that_every_class_is_learnt(images, folds):
    groups, y = np.repeat(list(images), list(images.values()), axis=0).T
    splits = inner_folds(y, groups, folds)
    assert len(splits) == 2
    assert sorted(np.concatenate([held_out for _, held_out in splits])) == list(range(len(y)))
    for learnt, held_out in splits:
        assert set(y[learnt]) == {0, 1} and not set(groups[learnt]) & set(groups[held_out])


def test_the_smallest_patients_move_until_three_folds_have_no_class_to_themselves():
    # Patient, class, fold: all of class 2 is in the last fold.
    units, y = np.array([1, 2, 3, 4, 5, 6, 7, 7, 8]), np.array([0, 1, 0, 1, 0, 1, 2, 2, 2])
    fold = np.array([0, 0, 1, 1, 2, 2, 2, 2, 2])
    moved = _spread(y, units, fold)
    assert [len(set(moved[y == value])) > 1 for value in range(3)] == [True] * 3
    assert list(units[moved != fold]) == [8]


def test_classes_whose_patients_cannot_be_spread_are_refused():
    # Each of three patients has two of three classes: of two folds, one has both patients of some class.
    y, groups = np.array([0, 1, 1, 2, 2, 0]), np.array([1, 1, 2, 2, 3, 3])
    with pytest.raises(ValueError, match="a fold has all patients of a class: nothing can be held out"):
        inner_folds(y, groups, 3)


@pytest.mark.parametrize("estimator", [LogisticRegression(), Memoized(LogisticRegression())])
def test_unseen_scores_are_those_of_cross_validation(estimator):
    X, y, groups = three_networks()
    splits = inner_folds(y, groups, 3)
    expected = cross_val_predict(LogisticRegression(), X, y, cv=splits, method="predict_proba")
    np.testing.assert_array_equal(unseen_scores(estimator, X, y, splits, {}), expected)


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize(("learner", "asks"), [("linear-svm", True), ("rbf-svm", True), ("lda", False)])
def test_patients_are_for_estimators_with_inner_folds_wherever_these_are(rule, learner, asks):
    # A score fusion takes patients for itself, whichever classifier it has.
    whole, _ = whole_of(rule, learner)
    groups = np.arange(3)
    assert (patients_for(whole, groups).get("groups") is groups) == (asks or rule.startswith("score-"))
    assert patients_for(whole, None) == {}


def test_the_class_given_is_that_of_the_highest_score():
    X, y, _ = three_networks()
    names = np.array(["benign", "malignant"])[y]
    fused = ScoreFusion(LogisticRegression(), [30, 12, 20]).fit(X, names)
    np.testing.assert_array_equal(fused.predict(X), fused.classes_[fused.predict_proba(X).argmax(axis=1)])


def test_a_single_class_is_refused():
    with pytest.raises(ValueError, match="needs at least two"):
        ScoreFusion().fit(np.zeros((4, 2)), np.zeros(4, int))
