"""The answer of a table, in sentences."""

import pytest

from report import answer, table
from report.comparison import ONE_PRETRAINING, ONE_TRAINING
from tests.report.made import comparison, report_input, table_row


def answered(*rows, **given):
    return answer.sentences(report_input(**given), table.finished([table_row("imagenet"), *rows], 0.02))


@pytest.mark.parametrize(
    ("value", "p", "words"),
    [
        (0.1, 0.001, "other (+0.100 [+0.020, +0.180]) is better than imagenet"),
        (-0.1, 0.001, "other (−0.100 [−0.180, −0.020]) is worse than imagenet"),
        (0.05, 0.3, "other (+0.050 [−0.030, +0.130]) cannot be told apart from imagenet"),
    ],
)
def test_a_verdict_is_a_sentence_with_the_difference_and_its_interval(value, p, words):
    (sentence,) = answered(table_row("other", comparison=comparison(value, p)))
    assert sentence == f"t, AUROC: {words}. A true difference of 0.12 would have been found four times in five."


def test_chains_of_one_verdict_are_listed_together():
    rows = [table_row(chain, comparison=comparison(0.01, 0.5)) for chain in ("other", "random")]
    assert ") and random (" in answered(*rows)[0] and answered(*rows)[0].count("cannot be told apart") == 1


def test_networks_are_named_where_there_are_several():
    rows = [table_row("other", backbone=name, comparison=comparison()) for name in ("m", "n")]
    assert "other (m, +0.100" in answered(*rows)[0]


def test_every_target_has_its_own_sentence():
    rows = [table_row("other", target=name, comparison=comparison()) for name in ("t", "u")]
    assert [sentence.split(",")[0] for sentence in answered(*rows)] == ["t", "u"]


def test_synthetic_images_are_said_to_be_no_evidence():
    assert "no evidence about patients" in answered(table_row("other", data="synthetic", comparison=comparison()))[0]


@pytest.mark.parametrize(
    ("family", "why"),
    [
        (ONE_TRAINING, "there is one training of each; several seeds or folds"),
        (ONE_PRETRAINING, "all seeds share one pretraining"),
        ("other levels", "no chain could be compared"),
    ],
)
def test_without_a_primary_comparison_nothing_is_claimed_and_why_is_said(family, why):
    (sentence,) = answered(table_row("other", comparison=comparison(0.4, 1e-6, family=family)))
    assert sentence.startswith("No claim about the chains can be made: ") and why in sentence
