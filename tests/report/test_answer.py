"""The answer of a table, in sentences."""

from dataclasses import replace

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


def test_many_rows_of_which_nothing_can_be_told_are_counted_and_findings_are_named():
    many = [
        table_row("other", backbone=f"n{number}", comparison=comparison(0.01 * number - 0.02, 0.9))
        for number in range(answer.MOST + 1)
    ]
    (sentence,) = answered(*many, table_row("random", comparison=comparison(0.2, 1e-6)))
    assert "9 rows (differences from −0.020 to +0.060) cannot be told apart from imagenet" in sentence
    assert "random (" in sentence and "is better than imagenet" in sentence and "n3" not in sentence
    assert "n3" in answered(*many[: answer.MOST])[0]


def test_networks_are_named_where_there_are_several():
    rows = [table_row("other", backbone=name, comparison=comparison()) for name in ("m", "n")]
    assert "other (m, +0.100" in answered(*rows)[0]


def test_every_target_has_its_own_sentence():
    rows = [table_row("other", target=name, comparison=comparison()) for name in ("t", "u")]
    budgets = {name: [["all labels", 1.0]] for name in ("t", "u")}
    assert [sentence.split(",")[0] for sentence in answered(*rows, budgets=budgets)] == ["t", "u"]


def test_synthetic_images_are_said_to_be_no_evidence():
    assert "no evidence about patients" in answered(table_row("other", data="synthetic", comparison=comparison()))[0]


@pytest.mark.parametrize(
    ("family", "why"),
    [
        (ONE_TRAINING, "No claim is made about other: there is one training of it, or of the reference."),
        (ONE_PRETRAINING, "No claim is made about other: all trainings share one pretraining"),
        ("paper profile", "No claim is made about other: the paper's profile is followed, leaks included."),
    ],
)
def test_without_a_primary_comparison_nothing_is_claimed_and_why_is_said(family, why):
    (sentence,) = answered(table_row("other", comparison=comparison(0.4, 1e-6, family=family)))
    assert why in sentence and "better" not in sentence


def test_a_chain_without_a_claim_is_named_beside_those_that_have_one():
    shared = table_row("other", comparison=comparison(0.4, 1e-6, family=ONE_PRETRAINING))
    (sentence,) = answered(table_row("random", comparison=comparison(-0.1, 0.001)), shared)
    assert "random (−0.100 [−0.180, −0.020]) is worse than imagenet" in sentence
    assert "No claim is made about other: all trainings share one pretraining" in sentence


def test_a_primary_difference_without_an_interval_is_said_to_have_none():
    unknown = comparison(0.1, float("nan"))
    (sentence,) = answered(table_row("other", comparison=unknown))
    assert "No claim is made about other: its difference has no interval." in sentence


def test_exploration_is_no_answer():
    rows = [table_row("other", metric="f1", comparison=comparison(0.4, 1e-6, family="other metrics"))]
    assert answered(*rows) == ["No claim about the chains can be made: no chain could be compared with the reference."]


def test_what_no_difference_could_show_is_not_called_a_power():
    hopeless = comparison(0.1, 0.4)
    hopeless = replace(hopeless, difference=replace(hopeless.difference, detectable=1.3))
    assert (
        "No difference that is possible would have been found" in answered(table_row("other", comparison=hopeless))[0]
    )


def test_the_best_imagenet_row_is_named_and_the_same_network_is_exploration():
    bar = "imagenet-frozen, a+b, off-the-shelf fusion: logistic-regression"
    row = table_row("other", comparison=comparison(-0.1, 0.001, chain=bar), same_network=comparison(0.05, 0.3))
    (sentence,) = answered(row)
    assert f"other (−0.100 [−0.180, −0.020]) is worse than the best ImageNet row (by validation: {bar})." in sentence
    assert sentence.endswith(
        "With the same network and method (exploration): against imagenet other (+0.050 [−0.030, +0.130])."
    )


def test_a_control_strategy_stands_beside_the_best_imagenet_row_and_the_strategy_is_named():
    bar = "imagenet-frozen, a+b, off-the-shelf fusion: logistic-regression"
    row = table_row(
        "other", comparison=comparison(-0.1, 0.001, chain=bar), same_network=comparison(0.05, 0.3, chain="none")
    )
    (sentence,) = answered(row, options={"control": "none"})
    assert "is worse than the best ImageNet row (by validation: " in sentence
    assert sentence.endswith(
        "With the same chain and network (exploration): against none other (full, +0.050 [−0.030, +0.130])."
    )


def test_networks_without_imagenet_weights_are_said_to_be_compared_with_random_ones():
    bar = "imagenet-frozen, a+b, off-the-shelf fusion: logistic-regression"
    rows = [
        table_row("other", backbone=name, comparison=comparison(chain=bar), same_network=comparison(chain=chain))
        for name, chain in (("n", "imagenet"), ("m", "random"))
    ]
    assert "against imagenet other (n, +0.100" in answered(*rows)[0]
    assert "; against random other (m, +0.100" in answered(*rows)[0]
