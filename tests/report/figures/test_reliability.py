"""Reliability: how often an answer is right, over how sure it is."""

from dataclasses import replace

import numpy as np
import pytest

from indomain.runs.tags import Method
from report.calibration import reliability
from report.figures.reliability import draw
from tests.report.figures.made import material, words
from tests.report.made import FULL, arms_of

WARMED = Method(strategy="full", calibrated=True)


@pytest.fixture
def arms():
    """Two arms, as they are and with scores at a temperature."""
    plain = arms_of([0.6])
    for arm in plain:
        for run in arm.runs:
            run.scores = 1 / (1 + np.exp(-2 * run.scores))
    return plain + [replace(arm, key=replace(arm.key, method=WARMED)) for arm in plain]


def drawn(arms, **changes):
    return list(draw(material(arms=arms, options={"calibrate": True, "metrics": ["calibration_error"]}, **changes)))


def test_scores_as_they_are_and_calibrated_stand_side_by_side(arms):
    drawing = drawn(arms)[0]
    assert drawing.name == "reliability-t-n-full" and len(drawn(arms)) == 1
    assert {"not calibrated", "with a temperature fitted on validation images", "imagenet", "other"} <= words(
        drawing.figure
    )


def test_each_chain_has_the_points_of_its_bins(arms):
    lines = [
        line for line in drawn(arms)[0].figure.axes[0].lines if line.get_linestyle() == "-" and len(line.get_xdata())
    ]
    run = arms[0].runs[0]
    right = (run.scores.argmax(axis=1) == run.y).astype(float)
    confidence, share, _ = reliability(right, run.scores.max(axis=1))
    np.testing.assert_allclose(lines[0].get_xydata(), np.stack([confidence, share], axis=1))


def test_without_calibrated_scores_there_is_nothing_to_compare(arms):
    assert drawn(arms[:2]) == [] and list(draw(material(arms=arms))) == []


def test_only_the_largest_budget_and_the_first_level_are_drawn(arms):
    study = [replace(arm, key=replace(arm.key, level="study")) for arm in arms]
    few = [replace(arm, key=replace(arm.key, budget="few")) for arm in arms]
    budgets = {"t": [["few", 0.1], ["all labels", 1.0]]}
    assert [one.name for one in drawn([*study, *few, *arms], budgets=budgets)] == ["reliability-t-n-full"]


def test_names_are_those_of_files():
    arms = arms_of([0.6])
    for method in (Method(classifier="lda"), Method(classifier="lda", calibrated=True)):
        arms += [replace(arms[0], key=replace(arms[0].key, method=method, backbone="a/b"))]
    assert [one.name for one in drawn(arms)] == ["reliability-t-a_b-features lda"]
    assert all(arm.key.method == FULL for arm in arms[:2])
