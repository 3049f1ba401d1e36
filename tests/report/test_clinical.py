"""Predictive values at a stated prevalence: by Bayes' rule, and with the intervals of what they come from."""

import numpy as np
import pytest

from report.arms import ArmResults, Run
from report.clinical import clinical, of_rates
from tests.report.made import report_input, row_key, split_info


@pytest.mark.parametrize(
    ("prevalence", "ppv", "npv"), [(0.5, 0.9 / 1.1, 0.8 / 0.9), (0.01, 0.009 / 0.207, 0.792 / 0.793)]
)
def test_predictive_values_follow_from_bayes_rule(prevalence, ppv, npv):
    found = of_rates(np.array([0.9]), np.array([0.8]), prevalence)
    assert found[2][0] == pytest.approx(ppv) and found[3][0] == pytest.approx(npv)


def test_what_calls_nobody_positive_has_no_ppv():
    assert np.isnan(of_rates(np.array([0.0]), np.array([1.0]), 0.1)[2][0])


def arm_of(given, patients=200):
    rng = np.random.default_rng(0)
    y = np.arange(patients) % 2
    arm = ArmResults(row_key(), given.info(row_key()))
    for seed in range(5):
        score = 1 / (1 + np.exp(-(2 * (2 * y - 1) + rng.normal(0, 2, patients))))
        names = np.array([f"p{number}" for number in range(patients)])
        arm.runs.append(Run(0, seed, y, np.stack([1 - score, score], axis=1), names, names))
    return arm


def test_each_prevalence_has_a_line_with_intervals():
    given = report_input({"prevalence": [0.02, 0.5]}, info=split_info(has_patients=True))
    found = clinical([arm_of(given)], given).set_index("prevalence")
    assert found.loc[0.02, "ppv"] < found.loc[0.5, "ppv"] and found.loc[0.02, "npv"] > found.loc[0.5, "npv"]
    assert (found["ppv_low"] < found["ppv"]).all() and (found["ppv"] < found["ppv_high"]).all()
    assert found["sensitivity"].nunique() == 1


def test_without_a_stated_prevalence_nothing_is_told():
    given = report_input(info=split_info(has_patients=True))
    assert clinical([arm_of(given)], given).empty
