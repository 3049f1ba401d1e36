"""Rows of the table, and how one is compared with the reference chain's."""

from dataclasses import replace

import pytest

from indomain.runs.tags import Method
from report.comparison import (
    ONE_PRETRAINING,
    ONE_TRAINING,
    PRIMARY,
    RowKey,
    compare,
    reference_of,
    verdict,
)
from tests.report.made import comparison, report_input, row_key, sample, table_row, tags_of


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


def family(key, kind="score", metric="auroc", here=None, **given):
    here = here or sample([0.8, 0.9])
    return compare(report_input(**given), key, kind, metric, here, row_key("imagenet"), sample([0.7, 0.8])).family


def test_the_chains_heads_by_the_first_metric_are_the_primary_family():
    assert family(row_key("other")) == PRIMARY


@pytest.mark.parametrize(
    ("key", "kind", "metric", "expected"),
    [
        (row_key("other"), "robustness", "auroc under blur", "robustness"),
        (row_key("other"), "explanation", "pointing", "explanations"),
        (row_key("other"), "score", "f1", "other metrics"),
        (row_key("other", budget="5 shots"), "score", "auroc", "other label budgets"),
        (row_key("other", level="patient"), "score", "auroc", "other levels"),
        (row_key("other", method=Method(rule="concat", classifier="lda")), "score", "auroc", "features and fusion"),
        (row_key("other", method=Method(strategy="full", calibrated=True)), "score", "auroc", "calibrated scores"),
    ],
)
def test_everything_else_is_exploration_of_its_own_family(key, kind, metric, expected):
    assert family(key, kind, metric) == expected


def test_the_largest_budget_is_primary_and_all_labels_are_larger_than_any():
    budgets = {"t": [["5 shots", 5], ["all labels", 1.0]]}
    assert family(row_key("other"), budgets=budgets) == PRIMARY
    assert family(row_key("other", budget="5 shots"), budgets=budgets) == "other label budgets"


def test_one_training_is_no_member_of_the_primary_family():
    assert family(row_key("other"), here=sample([0.9])) == ONE_TRAINING


@pytest.mark.parametrize(("seeds", "expected"), [("one", ONE_PRETRAINING), ("each", PRIMARY)])
def test_a_shared_pretraining_makes_a_family_of_its_own(seeds, expected):
    recipe = {
        **{"seeds": [0, 1], "pretrain": {"seeds": seeds}, "sources": {"s": {"set": "own"}}},
        "chains": {"imagenet": ["imagenet"], "other": ["random", "s:supervised"], "random": ["random"]},
    }
    assert family(row_key("other"), recipe=recipe) == expected
    assert family(row_key("random"), recipe=recipe) == PRIMARY


@pytest.mark.parametrize(
    ("metric", "low", "high", "p", "expected"),
    [
        ("auroc", 0.03, 0.09, 0.001, "better"),
        ("auroc", -0.09, -0.03, 0.001, "worse"),
        ("brier", 0.03, 0.09, 0.001, "worse"),
        ("deletion", -0.09, -0.03, 0.001, "better"),
        ("brier, marker absent", 0.03, 0.09, 0.001, "worse"),
        ("brier under corruption", -0.09, -0.03, 0.001, "better"),
        ("auroc", 0.001, 0.09, 0.20, "cannot tell"),
        ("auroc", -0.05, 0.09, 0.60, "cannot tell"),
        ("auroc", -0.01, 0.015, 0.60, "equal"),
        ("auroc", 0.001, 0.015, 0.01, "equal"),
        ("auroc", 0.03, 0.09, float("nan"), ""),
    ],
)
def test_a_verdict_is_what_interval_and_corrected_p_allow(metric, low, high, p, expected):
    assert verdict(metric, low, high, (low + high) / 2, p, 0.02) == expected


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


def test_a_row_that_is_not_compared_has_no_cells_of_a_comparison():
    assert not {"difference", "p_uncorrected", "reported"} & set(table_row().cells())


def test_a_comparison_fills_its_cells():
    cells = table_row(comparison=comparison(0.1, 0.04, chain="other")).cells()
    names = ("difference", "difference_low", "difference_high", "p_uncorrected", "test", "compared_with", "family")
    assert [cells[name] for name in names] == [0.1, pytest.approx(0.02), 0.18, 0.04, "t", "other", PRIMARY]


@pytest.mark.parametrize("same", [True, False])
def test_a_difference_from_a_reported_number_needs_the_papers_own_data(same):
    cells = table_row(reported={"value": 0.75, "source": "A paper", "same": same}).cells()
    assert cells["reported"] == 0.75 and cells["reported_source"] == "A paper"
    assert cells.get("minus_reported") == (pytest.approx(0.05) if same else None)
