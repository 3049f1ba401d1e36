"""What each chain gained over networks that learnt from no source."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from report.gains import COLUMNS, gains, sentences
from tests.report.made import report_input, sample, split_info, table_row

CHAINS = {
    **{"random": ["random"], "imagenet": ["imagenet"]},
    **{name: ["imagenet", f"{name}:supervised"] for name in ("a", "b", "c")},
}
MEANS = {"random": 0.6, "imagenet": 0.8, "a": 0.85, "b": 0.80, "c": 0.70}


def two_targets(**changes):
    """The input of a report on two targets."""
    return report_input(
        recipe={
            "chains": CHAINS,
            "sources": {name: {"set": name} for name in "abc"},
            "targets": {"t": {"set": "t"}, "u": {"set": "u"}},
        },
        infos={f"strict/{target}": split_info(name=target) for target in "tu"},
        budgets={target: [["all labels", 160]] for target in "tu"},
        **changes,
    )


def rows(spread=0.02, **changes):
    made = []
    for number, target in enumerate("tu"):
        for chain, mean in MEANS.items():
            values = mean + np.array([-0.01, 0, 0.01]) - 0.05 * number
            one = sample(list(values), seed=len(made), spread=spread)
            made.append(replace(table_row(chain, mean, target=target, **changes), sample=one))
    return made


def test_gains_are_differences_from_the_chains_that_learnt_from_no_source():
    found = gains(rows(), two_targets())
    assert list(found.columns) == COLUMNS and set(found["over"]) == {"random", "imagenet"}
    cells = found.set_index(["over", "chain", "target"])["gain"]
    assert cells["imagenet", "a", "t"] == pytest.approx(0.05) and cells["random", "c", "u"] == pytest.approx(0.10)
    # Neither beginning is compared with the other, nor with itself.
    assert set(found["chain"]) == {"a", "b", "c"}
    assert ((found["gain_low"] < found["gain"]) & (found["gain"] < found["gain_high"])).all()


@pytest.mark.parametrize(
    "changes", [{"profile": "paper"}, {"budget": "10 % of labels"}, {"metric": "f1"}, {"kind": "robustness"}]
)
def test_only_own_heads_at_the_largest_budget_under_strict_are_shown(changes):
    given = two_targets()
    given.infos.update({f"paper/{target}": split_info(name=target) for target in "tu"})
    assert gains(rows(**changes), given).empty


def test_another_network_is_no_reference():
    mixed = [
        replace(row, key=replace(row.key, backbone="other")) if row.key.chain in ("imagenet", "random") else row
        for row in rows()
    ]
    assert gains(mixed, two_targets()).empty


def test_a_chain_that_knows_the_classes_of_the_targets_own_set_is_left_out_there():
    given = two_targets()
    given.recipe["sources"]["a"]["set"] = ["x", "t"]
    found = gains(rows(), given)
    assert set(found[found["chain"] == "a"]["target"]) == {"u"} and set(found[found["chain"] == "b"]["target"]) == {
        "t",
        "u",
    }
    # Without labels it has learnt from images only.
    given.recipe["chains"]["a"] = ["imagenet", "a:simclr"]
    assert set(gains(rows(), given)[lambda table: table["chain"] == "a"]["target"]) == {"t", "u"}


def test_of_one_target_or_two_chains_there_is_no_matrix():
    assert gains([row for row in rows() if row.key.target == "t"], two_targets()).empty
    assert gains([row for row in rows() if row.key.chain != "a"], two_targets()).empty


def test_the_sentence_counts_what_holds_and_what_chance_would_give():
    given = two_targets()
    said = sentences(gains(rows(spread=0.001), given), given)
    (of_imagenet,) = [sentence for sentence in said if "over imagenet" in sentence]
    assert "of 6 gains in AUROC (3 chains, 2 targets) 2 have an interval above 0 and 2 one below it" in of_imagenet
    assert "where 0.15 each are to be expected" in of_imagenet and "the smallest −0.100" in of_imagenet
    assert sentences(pd.DataFrame(columns=COLUMNS), given) == []
