"""Scores of several images brought together."""

import numpy as np
import pandas as pd
import pytest

from indomain.errors import RequestError
from report import levels
from tests.report.made import split_info

SCORES = np.array([[0.6, 0.4], [0.6, 0.4], [0.05, 0.95], [0.9, 0.1], [0.3, 0.7]])
UNIT = np.array([0, 0, 0, 1, 1])


def rows(**columns):
    """Five patches of two images of two patients."""
    base = {name: [""] * 5 for name in ("study", "patient")}
    base |= {"id": list("abcde"), "image": ["p", "p", "p", "q", "q"], "group": ["g", "g", "g", "h", "h"]}
    return pd.DataFrame({**base, **columns})


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("mean", [[1.25 / 3, 1.75 / 3], [0.6, 0.4]]),
        ("max", [[0.6 / 1.55, 0.95 / 1.55], [0.9 / 1.6, 0.7 / 1.6]]),
    ],
)
def test_the_rules_by_hand(rule, expected):
    np.testing.assert_allclose(levels.combined(UNIT, SCORES, rule), expected)


def test_the_majority_decides_and_the_mean_where_it_does_not():
    votes = levels.combined(UNIT, SCORES, "majority")
    # Two of three say the first class, against the mean; one of two each: the mean decides.
    assert votes.argmax(axis=1).tolist() == [0, 0]
    np.testing.assert_allclose(votes.sum(axis=1), 1)


def test_units_keep_their_order_their_label_and_their_group():
    y, scores, groups, ids = levels.gathered(rows(), np.array([1, 1, 1, 0, 0]), SCORES, "image", "mean", 1)
    assert y.tolist() == [1, 0] and groups.tolist() == ["g", "h"] and ids.tolist() == ["p", "q"]
    np.testing.assert_array_equal(scores, levels.combined(UNIT, SCORES, "mean"))


def test_patches_stay_as_they_are():
    y = np.array([1, 1, 1, 0, 0])
    found = levels.gathered(rows(), y, SCORES, "patch", "mean", 1)
    assert found[3].tolist() == list("abcde") and found[1] is SCORES


def test_images_without_a_study_are_studies_of_their_own():
    found = levels.gathered(rows(study=["s", "s", "", "", "t"]), np.array([1, 1, 1, 0, 0]), SCORES, "study", "mean", 1)
    assert found[3].tolist() == ["s", "c", "d", "t"] and len(found[1]) == 4


def test_studies_are_numbered_within_a_patient():
    numbered = rows(study=["1", "1", "2", "1", "1"], patient=["m", "m", "m", "n", "n"])
    found = levels.gathered(numbered, np.array([1, 1, 1, 0, 0]), SCORES, "study", "mean", 1)
    assert found[3].tolist() == ["m/1", "m/2", "n/1"]


PATIENTS = rows(patient=["m", "m", "m", "n", "n"])
MIXED = np.array([0, 1, 0, 0, 0])


def test_a_patient_is_positive_if_any_image_is():
    assert levels.gathered(PATIENTS, MIXED, SCORES, "patient", "mean", 1)[0].tolist() == [1, 0]


def test_without_a_positive_class_a_patient_of_two_classes_is_refused():
    with pytest.raises(RequestError, match="patient 'm' has images of different classes"):
        levels.gathered(PATIENTS, MIXED, SCORES, "patient", "mean", None)


def test_a_patient_of_two_negative_classes_is_refused():
    with pytest.raises(RequestError, match="the positive class among them"):
        levels.gathered(PATIENTS, np.array([0, 2, 0, 1, 1]), np.eye(3)[[0, 1, 2, 0, 1]], "patient", "mean", 1)


def test_a_contradiction_is_found_before_any_work_and_says_which_target_has_it():
    with pytest.raises(RequestError, match=r"targets\.t: patient 'm'"):
        levels.check(PATIENTS.assign(y=MIXED), "patient", None, "t")
    levels.check(PATIENTS.assign(y=MIXED), "patient", 1, "t")


@pytest.mark.parametrize(
    ("level", "known"), [("patch", "cut"), ("study", "has_studies"), ("patient", "has_patients"), ("image", "cut")]
)
def test_a_target_has_the_levels_that_its_set_names(level, known):
    assert levels.has(level, split_info(**{known: True}))
    assert levels.has(level, split_info(**{known: False})) == (level == "image")


def test_an_image_on_its_own_needs_no_rule():
    info = split_info(has_studies=True)
    counted = levels.counted(["image", "study"], ["mean", "max"], info)
    assert counted == [
        ("image", "image", "mean"),
        ("study", "study, mean", "mean"),
        ("study", "study, max", "max"),
    ]
    assert levels.counted(["image"], ["mean", "max"], split_info(cut=True))[1] == ("image", "image, max", "max")
    assert levels.counted(["study"], ["max"], info) == [("study", "study", "max")]
