"""What a reader must know, in sentences."""

from dataclasses import replace

import numpy as np
import pytest

from report import caveats, table
from report.comparison import Comparison, TableRow
from tests.report.made import arms_of, report_input, row_key, split_info


def test_an_interval_without_width_is_remarked():
    assert caveats.interval_caveat((0.5, 0.5)) == "every bootstrap sample gives the same value"
    assert caveats.interval_caveat((0.4, 0.5)) == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([0.5, 0.7], ""),
        ([0.5, np.nan, np.nan], "not defined in 2 of 3 runs, whose test part holds one class only; mean of the others"),
        ([np.nan, np.nan], "not defined: every test part holds one class only"),
    ],
)
def test_a_metric_without_a_value_in_some_runs_is_remarked(values, words):
    assert caveats.undefined_caveat(np.array(values)) == words


def test_arms_that_failed_are_named_once_each():
    arms = arms_of([0.3])
    arms[1].diverged = ["finetune: the loss became nan"]
    by_study = replace(arms[1], key=replace(arms[1].key, level="study"))
    found = caveats.failure_caveats([*arms, by_study])
    assert found == [
        "Diverged (the numbers left the range of floats), wholly or in part: strict, t, all labels, n, full, other."
    ]


def test_of_many_arms_that_failed_four_are_named():
    arms = [replace(arms_of([0.3])[1], key=row_key(f"chain{number}"), diverged=["nan"]) for number in range(6)]
    assert caveats.failure_caveats(arms)[0].endswith("chain3; and 2 more rows.")


def test_a_dead_network_is_named():
    arms = arms_of([0.3])
    arms[0].runs[0].scores[:] = [0.3, 0.7]
    assert caveats.failure_caveats(arms)[0].startswith("Dead (every image gets the same score), wholly or in part")
    assert caveats.failure_caveats(arms[1:]) == []


def said(given, rows=()):
    """All sentences of a report."""
    return " ".join(caveats.sentences(given, table.finished(rows or [row()])))


def row(**changes):
    plain = {"kind": "score", "metric": "auroc", "data": "real", "mean": 0.8, "interval": (0.7, 0.9)}
    return TableRow(row_key(), **{**plain, "n_runs": 1, "n_images": 10, "n_patients": 10.0, **changes})


SOURCE = {"leaks": {}, "dropped": 0, "incomplete": [], "stand_in": True}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"info": split_info(synthetic=True)}, "synthetic radiographs (phantoms): no evidence about patients"),
        (
            {"info": split_info(official_val_learnt=150)},
            "strict/t: the set's 150 official validation images are training images.",
        ),
        ({"info": split_info(stand_in=True)}, "The target is a reduced stand-in"),
        ({"sources": {"strict/s": SOURCE}}, "The source is a reduced stand-in"),
        ({"recipe": {"profiles": ["strict", "paper"]}}, "Profile paper: the set's official split or a random one"),
        ({}, "t: the data set does not identify patients, so images were drawn and split individually."),
        (
            {"info": split_info(cut=True)},
            "Images were cut into patches; an image's scores are the mean of its patches'.",
        ),
        ({"marked": frozenset({"strict/t"})}, "t: a marker that goes with the label was burnt into the images"),
        ({}, "Intervals: 95 %, bootstrap over patients"),
        ({"recipe": {"seeds": [0, 1]}}, "All seeds share one pretraining"),
    ],
)
def test_what_holds_for_a_report_is_said_and_only_there(given, words):
    assert words in said(report_input(**given))
    other = report_input(info=split_info(has_patients=True), recipe={"pretrain": {"seeds": "each"}, "seeds": [0, 1]})
    assert words not in said(other) or words.startswith("Intervals")


@pytest.mark.parametrize(("dropped", "words"), [(3, "3 training images removed"), (0, "kept")])
def test_leaks_are_counted_and_what_was_done_about_them_is_said(dropped, words):
    info = split_info(leaks={"same patient": 2, "equal images": 1}, dropped=dropped)
    assert f"Leaks, strict/t: 2 × same patient, 1 × equal images; {words}." in said(report_input(info=info))


def test_where_a_copy_differs_from_the_published_one_three_differences_are_named():
    info = split_info(incomplete=["one", "two", "three", "four", "five"])
    assert "Not the published copy, strict/t: one; two; three; and 2 more." in said(report_input(info=info))


def compared(p):
    return row(comparison=Comparison("imagenet", 0.1, p, "paired bootstrap over patients"))


def test_comparisons_are_counted_and_their_tests_named():
    words = said(report_input(), [compared(0.01), compared(0.2), row()])
    assert (
        "2 comparisons with the reference chain, Holm-corrected together. Tests: paired bootstrap over patients."
        in words
    )


@pytest.mark.parametrize(("samples", "is_said"), [(100, True), (1000, False)])
def test_too_few_bootstrap_samples_for_so_many_comparisons_are_remarked(samples, is_said):
    words = said(report_input({"samples": samples}), [compared(0.02)] * 5)
    assert (f"and 5 comparisons, no p can fall below {10 / (samples + 1):.2f}" in words) is is_said


def test_explanations_are_said_to_be_of_the_first_seed():
    assert "those of the first seed's networks" in said(report_input(), [row(kind="explanation")])
    assert "those of the first seed's networks" not in said(report_input())
