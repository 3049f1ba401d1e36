"""Subgroups: what differs is found with its interval, what is too small is said, and what is no grouping is refused."""

import numpy as np
import pandas as pd
import pytest

from indomain.errors import RequestError
from report import subgroups
from report.subgroups import GAP
from tests.report.made import report_input, split_info

RECIPE = {"targets": {"t": {"set": "own", "by": ["sex"]}}}


def made(tmp_path, worse, patients=120, share=0.5):
    """An arm of five seeds that tells the classes well, but for the patients of sex "m", by `worse`."""
    rng = np.random.default_rng(0)
    sex = np.where(np.arange(patients) < share * patients, "f", "m")
    y = np.arange(patients) % 2
    runs = []
    for seed in range(5):
        logits = 2.5 * (2 * y - 1) * np.where(sex == "m", 1 - worse, 1) + rng.normal(0, 1.5, patients)
        score = 1 / (1 + np.exp(-logits))
        table = pd.DataFrame({"id": [f"i{n}" for n in range(patients)], "group": [f"p{n}" for n in range(patients)]})
        for name in ("patient", "image"):
            table[name] = table["group"] if name == "patient" else table["id"]
        table["study"], table["split"] = "", "test"
        runs.append((seed, table, y, np.stack([1 - score, score], axis=1)))
    table = runs[0][1].assign(by_sex=sex)
    given = report_input(recipe=RECIPE, info=split_info(has_patients=True))
    return given, runs, {"strict/t": table}


def lines(tmp_path, worse, **more):
    given, runs, values = made(tmp_path, worse, **more)
    from report.arms import ArmResults, Run
    from tests.report.made import row_key

    arm = ArmResults(row_key(), given.info(row_key()))
    for seed, table, y, scores in runs:
        arm.runs.append(Run(0, seed, y, scores, table["group"].to_numpy(), table["id"].to_numpy()))
    return subgroups.subgroups([arm], given, values).set_index("value")


def test_a_group_that_is_told_worse_has_a_gap_that_holds(tmp_path):
    found = lines(tmp_path, 0.8)
    assert found.loc["f", "mean"] > found.loc["m", "mean"] + 0.1 and found.loc["f", "ci_low"] < found.loc["f", "mean"]
    assert (
        found.loc[GAP, "mean"] == pytest.approx(found.loc["f", "mean"] - found.loc["m", "mean"])
        and found.loc[GAP, "ci_low"] > 0
    )
    assert found.loc[GAP, "note"].startswith("f less m, of two groups")
    (said,) = subgroups.sentences(found.reset_index())
    assert said.startswith("t, by sex: in 1 of 1 rows the gap's interval lies above 0")


def test_without_a_difference_the_interval_holds_none(tmp_path):
    found = lines(tmp_path, 0.0)
    assert found.loc[GAP, "ci_low"] < 0 < found.loc[GAP, "ci_high"]


def test_a_group_that_is_too_small_says_so_and_makes_no_gap(tmp_path):
    found = lines(tmp_path, 0.5, share=0.9)
    assert found.loc["m", "note"].startswith("too small: 12 patients") and GAP not in found.index
    assert "no two groups are large enough" in subgroups.sentences(found.reset_index())[0]


def test_numbers_become_three_groups_and_other_values_stay():
    ages = pd.Series([str(age) for age in range(20, 80)], name="age")
    found = subgroups._grouped(ages, pd.Series(np.arange(60)), "targets.t.by")
    assert found.value_counts().tolist() == [20, 20, 20] and found.iloc[0].startswith("up to")
    kinds = pd.Series(["a", "b", ""] * 20, name="site")
    assert subgroups._grouped(kinds, pd.Series(np.arange(60)), "targets.t.by").tolist() == kinds.tolist()


def test_a_value_a_patient_is_no_grouping():
    names = pd.Series([f"p{number}" for number in range(60)], name="name")
    with pytest.raises(RequestError, match=r"the column 'name' has 60 values for 60 patients, which makes no groups"):
        subgroups._grouped(names, pd.Series(np.arange(60)), "targets.t.by")
