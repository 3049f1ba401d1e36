"""What a reader must know, in sentences."""

from dataclasses import replace

import numpy as np
import pytest

from report import caveats, table
from report.comparison import ONE_TRAINING
from tests.report.made import arms_of, comparison, report_input, row_key, sample, split_info, table_row


def test_an_interval_without_width_is_remarked():
    assert caveats.interval_caveat(sample([0.5] * 3, spread=0)) == "every patient, or every fold, gives the same value"
    assert caveats.interval_caveat(sample([0.5] * 3, spread=np.nan)).startswith(
        "no interval: it is undefined without one"
    )
    assert caveats.interval_caveat(sample([0.5] * 3)) == ""


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
    return " ".join(caveats.sentences(given, table.finished(rows or [table_row()], 0.02)))


SHARED = {
    **{"seeds": [0, 1], "pretrain": {"seeds": "one"}, "sources": {"s": {"set": "own"}}},
    "chains": {"imagenet": ["imagenet"], "other": ["random", "s:supervised"]},
}
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
        ({}, "Intervals: 95 %, of the expected value of the whole procedure on new patients"),
        (
            {"recipe": SHARED},
            "other: there is one pretraining for all trainings. Numbers and comparisons are given this",
        ),
    ],
)
def test_what_holds_for_a_report_is_said_and_only_there(given, words):
    assert words in said(report_input(**given))
    other = report_input(info=split_info(has_patients=True), recipe={**SHARED, "pretrain": {}})
    assert words not in said(other) or words.startswith("Intervals")


def test_where_only_some_targets_are_synthetic_or_stand_ins_they_are_named():
    infos = {"strict/a": split_info(name="a", synthetic=True), "strict/b": split_info(name="b", stand_in=True)}
    words = said(report_input(infos={"strict/t": split_info(), **infos}))
    assert "The images of a are synthetic radiographs (phantoms)" in words and "b: a reduced stand-in" in words
    assert "The target" not in words


@pytest.mark.parametrize(("dropped", "words"), [(3, "3 training images removed"), (0, "kept")])
def test_leaks_are_counted_and_what_was_done_about_them_is_said(dropped, words):
    info = split_info(leaks={"same patient": 2, "equal images": 1}, dropped=dropped)
    assert f"Leaks, strict/t: 2 × same patient, 1 × equal images; {words}." in said(report_input(info=info))


def test_where_a_copy_differs_from_the_published_one_three_differences_are_named():
    info = split_info(incomplete=["one", "two", "three", "four", "five"])
    assert "Not the published copy, strict/t: one; two; three; and 2 more." in said(report_input(info=info))


def test_the_comparisons_of_each_family_are_counted_and_their_tests_named():
    rows = [table_row("other", comparison=comparison(p=p)) for p in (0.01, 0.2)]
    words = said(report_input(), [*rows, table_row("other", comparison=comparison(family="other levels")), table_row()])
    assert "The primary family: 2 comparisons, Holm-corrected together, with the reference (t)." in words
    assert "Exploration, other levels: 1 comparison with the reference (t)." in words


def test_one_training_is_said_to_say_nothing_about_its_chain():
    rows = [table_row("other", comparison=comparison(p=float("nan"), family=ONE_TRAINING))]
    assert "nothing is claimed about the chain: several seeds, or folds, would show" in said(report_input(), rows)


def test_explanations_are_said_to_be_of_the_first_seed():
    assert "Explanations are those of the first seed's networks" in said(
        report_input(), [table_row(kind="explanation")]
    )
    assert "those of the first seed's networks" not in said(report_input())


def test_what_was_chosen_is_counted_the_most_frequent_first():
    chosen = [{"learning_rate": 0.01}, {"learning_rate": 0.001}, {"learning_rate": 0.001}]
    assert caveats.choices_remark(chosen) == [
        "chosen on validation images, of 3 runs: learning_rate 0.001 in 2; learning_rate 0.01 in 1"
    ]
    assert caveats.choices_remark([]) == []
