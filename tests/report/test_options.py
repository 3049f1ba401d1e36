"""The keys of [report]: what is wrong is refused, and named."""

import pytest

from indomain.errors import RequestError
from indomain.toml import validated
from report.options import Options


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"metrics": ["auc"]}, "unknown metric 'auc'. Did you mean 'auroc'"),
        ({"metrics": []}, "metrics"),
        ({"levels": ["lesion"]}, "levels"),
        ({"rule": "median"}, "rule"),
        ({"sensitivity": 1.2}, "sensitivity"),
        ({"margin": 0}, "margin"),
        ({"samples": 1000}, "samples"),
        ({"beside": {"a": {"chians": "x"}}}, "chians"),
        ({"calibrate": True, "metrics": ["auroc"]}, 'calibrate changes "brier" and "calibration_error" only'),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(keys, words):
    with pytest.raises(RequestError) as raised:
        validated(Options, keys, "[report]")
    assert "[report]" in str(raised.value) and words in str(raised.value)


def test_one_rule_is_a_list_of_one():
    assert Options(rule="max").rule == ["max"]


def test_the_first_metric_and_where_maps_point_are_compared_unless_others_are_named():
    assert Options(metrics=["kappa", "f1"]).tested([]) == ["kappa", "pointing"]
    assert Options(test_metrics=["f1", "energy"]).tested(["energy"]) == ["f1", "energy"]


def test_a_calibration_error_has_no_test():
    for keys in ({"test_metrics": ["calibration_error"]}, {"metrics": ["calibration_error", "auroc"]}):
        with pytest.raises(ValueError, match="compare the Brier score, brier, instead"):
            Options(**{"metrics": ["auroc", "calibration_error"], **keys}).tested([])


def test_what_the_table_does_not_show_cannot_be_compared():
    with pytest.raises(
        ValueError, match="test_metrics names 'energy', which the table does not show; it shows auroc, acc"
    ):
        Options(test_metrics=["energy"]).tested(["pointing"])
