"""Decision curves: net benefit by its definition, and nothing where none is asked for."""

import numpy as np
import pandas as pd
import pytest

from report.figures.decision_curve import draw, net_benefit
from report.figures.drawing import Material
from tests.report.made import report_input, split_info
from tests.report.test_clinical import arm_of


def test_net_benefit_is_hits_less_weighted_false_alarms():
    is_positive, score = np.array([True, True, False, False]), np.array([0.9, 0.4, 0.6, 0.1])
    found = net_benefit(is_positive, score, np.array([0.2, 0.5, 0.95]))
    assert found == pytest.approx([0.5 - 0.25 * 0.25, 0.25 - 0.25 * 1, 0.0])


def test_a_target_with_a_positive_class_has_a_figure_where_one_is_asked_for():
    given = report_input({"decision_curves": True}, info=split_info(has_patients=True))
    drawings = list(draw(Material(given, pd.DataFrame(), [arm_of(given)], pd.DataFrame())))
    assert [drawing.name for drawing in drawings] and "net benefit" in drawings[0].title
    given = report_input(info=split_info(has_patients=True))
    assert not list(draw(Material(given, pd.DataFrame(), [arm_of(given)], pd.DataFrame())))
