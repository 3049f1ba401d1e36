"""Rows of the table, and how one is compared with the reference chain's."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from indomain.runs.tags import Method
from report import statistics
from report.comparison import Comparison, RowKey, TableRow, compare, reference_of
from tests.report.made import row_key, tags_of


def known(*chains):
    """Rows of these chains, each with its chain for an entry."""
    return {row_key(chain): chain for chain in chains}


def test_a_row_is_compared_with_the_reference_chains():
    assert reference_of(row_key("other"), known("random", "imagenet"), "imagenet") == "imagenet"


def test_random_stands_in_where_a_backbone_has_no_such_chain():
    assert reference_of(row_key("other"), known("random", "other"), "imagenet") == "random"


def test_the_reference_itself_is_compared_with_nothing():
    assert reference_of(row_key("imagenet"), known("random", "imagenet"), "imagenet") is None


def test_the_stand_in_itself_is_compared_with_nothing():
    assert reference_of(row_key("random"), known("random", "other"), "imagenet") is None


def test_random_is_compared_with_the_reference_like_any_other():
    assert reference_of(row_key("random"), known("random", "imagenet"), "imagenet") == "imagenet"


def test_without_either_there_is_nothing_to_compare_with():
    assert reference_of(row_key("other"), known("third"), "imagenet") is None


@pytest.mark.parametrize(
    "change",
    [
        {"profile": "paper"},
        {"target": "u"},
        {"budget": "half"},
        {"backbone": "m"},
        {"method": Method(strategy="off-the-shelf")},
        {"method": Method(strategy="full", calibrated=True)},
        {"level": "study"},
    ],
)
def test_rows_that_differ_in_more_than_their_chain_are_not_compared(change):
    assert reference_of(replace(row_key("other"), **change), known("imagenet"), "imagenet") is None


def test_several_folds_are_compared_by_the_corrected_resampled_t():
    by_fold = pd.Series([0.02, 0.05, 0.01])
    found = compare("imagenet", 0.03, by_fold, 0.25, np.full(100, 0.03), 50)
    expected = statistics.corrected_resampled_t(by_fold.to_numpy(), 0.25)
    assert found == Comparison("imagenet", 0.03, expected, "corrected resampled t")


def test_one_fold_is_compared_by_the_paired_bootstrap():
    drawn = np.random.default_rng(0).normal(0.02, 0.01, 200)
    found = compare("imagenet", 0.02, pd.Series([0.02]), 0.25, drawn, 50)
    assert found == Comparison("imagenet", 0.02, statistics.bootstrap_p(drawn, 50), "paired bootstrap over patients")
    assert found.p < 0.1


def test_few_units_bound_what_the_bootstrap_can_say():
    assert compare("imagenet", 0.02, pd.Series([0.02]), 0.25, np.full(200, 0.02), 3).p == 0.25


def test_all_folds_and_seeds_of_a_run_are_one_row():
    keys = {RowKey.of(tags_of(fold=fold, seed=seed)) for fold in range(3) for seed in range(2)}
    assert keys == {row_key()}


def test_a_row_is_printed_in_words():
    words = row_key(method=Method(strategy="full", calibrated=True), level="study, max").words()
    assert words["method"] == "full, calibrated" and words["level"] == "study, max" and words["chain"] == "imagenet"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({}, True),
        ({"chain": "imagenet", "backbone": ""}, True),
        ({"method": "full", "value": 0.9}, True),
        ({"chain": "other"}, False),
        ({"chain": "imagenet", "level": "study"}, False),
    ],
)
def test_words_left_empty_match_any_row(named, expected):
    assert row_key().matches(named) is expected


def table_row(**changes):
    plain = {"kind": "score", "metric": "auroc", "data": "real", "mean": 0.8, "interval": (0.7, 0.9)}
    return TableRow(row_key(), **{**plain, "n_runs": 1, "n_images": 10, "n_patients": float("nan"), **changes})


def test_a_row_that_is_not_compared_has_no_cells_of_a_comparison():
    assert not {"difference", "p_uncorrected", "reported"} & set(table_row().cells())


def test_a_comparison_fills_its_cells():
    cells = table_row(comparison=Comparison("other", 0.1, 0.04, "DeLong")).cells()
    assert (cells["difference"], cells["p_uncorrected"], cells["test"], cells["compared_with"]) == (
        0.1,
        0.04,
        "DeLong",
        "other",
    )


@pytest.mark.parametrize("same", [True, False])
def test_a_difference_from_a_reported_number_needs_the_papers_own_data(same):
    cells = table_row(reported={"value": 0.75, "source": "A paper", "same": same}).cells()
    assert cells["reported"] == 0.75 and cells["reported_source"] == "A paper"
    assert cells.get("minus_reported") == (pytest.approx(0.05) if same else None)
