"""Differences between beginnings off the shelf: the folds are paired, the training sets overlap, and the words follow."""

import numpy as np
import pandas as pd
import pytest

from advice import screening
from advice.screening import Screened, compared, evaluated, sentences


def drawn(means, noise=0.02, seed=0):
    """Screened beginnings of 25 folds that share what is hard in a fold."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0, 0.05, 25)
    return [Screened(name, np.clip(mean + shared + rng.normal(0, noise, 25), 0, 1)) for name, mean in means.items()]


def test_what_is_far_is_worse_and_what_is_near_cannot_be_told():
    table = compared(drawn({"a": 0.85, "b": 0.845, "c": 0.70}), 0.25, 200, 0.02).set_index("beginning")
    assert table.index[0] in ("a", "b") and table["verdict"].iloc[0] == ""
    assert table.loc["c", "verdict"] == "worse" and table["verdict"].iloc[1] in ("cannot tell", "equal")
    assert table.loc["c", "difference_low"] < table.loc["c", "difference"] < table.loc["c", "difference_high"] < 0


def test_a_control_may_not_win_and_is_no_comparison_among_the_others():
    rows = [
        *drawn({"a": 0.8, "b": 0.79}),
        Screened("floor", np.full(25, 0.99) + np.linspace(0, 0.001, 25), can_win=False),
    ]
    table = compared(rows, 0.25, 200, 0.02).set_index("beginning")
    assert table["difference"].isna().sum() == 1 and not np.isnan(table.loc["floor", "difference"])
    alone = compared(rows[:2], 0.25, 200, 0.02).set_index("beginning")
    assert table.loc[alone.index[1], "p"] == pytest.approx(alone["p"].iloc[1])


def test_two_beginnings_that_do_not_differ_are_told_apart_once_in_twenty():
    # Folds of five, drawn five times, of images whose labels two equal sets of features know equally well.
    rng, wrong = np.random.default_rng(0), 0
    trials = 30
    for _ in range(trials):
        y = rng.integers(0, 2, 120)
        features = [rng.normal(size=(120, 5)) + 0.6 * y[:, None] for _ in range(2)]
        table = folds_of(y, rng)
        values = [evaluated(each, table, np.arange(120), 1) for each in features]
        found = compared([Screened("a", values[0]), Screened("b", values[1])], 0.25, 120, 0.02)
        wrong += found["verdict"].isin(["worse", "better"]).any()
    # Of 30 at 0.05, more than 4 come once in 60 times.
    assert wrong <= 4


def folds_of(y, rng, repeats=5):
    parts = []
    for repeat in range(repeats):
        order = rng.permutation(len(y))
        for fold in range(5):
            test = np.zeros(len(y), bool)
            test[order[fold::5]] = True
            parts.append(
                pd.DataFrame(
                    {
                        "fold": 5 * repeat + fold,
                        "row": np.arange(len(y)),
                        "y": y,
                        "split": np.where(test, "test", "train"),
                    }
                )
            )
    return pd.concat(parts)


def test_what_was_dropped_as_a_leak_is_neither_learnt_from_nor_tested():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    features = rng.normal(size=(60, 2)) + 3 * y[:, None]
    table = folds_of(y, rng, 1)
    spoilt = table.assign(split=table["split"].where(table["row"] >= 20, "dropped"))
    features[:20] = -features[:20] * 100
    assert (evaluated(features, spoilt, np.arange(60), 1) > 0.95).all()


def test_the_sentences_say_what_can_be_told_and_what_is_out_of_reach():
    table = compared(drawn({"a": 0.9, "b": 0.895, "c": 0.6}), 0.25, 200, 0.02)
    said = sentences(table, "200 patients")
    assert said[0].startswith("Off the shelf, the highest mean is that of")
    assert any("cannot be told apart from it with 200 patients" in one for one in said)
    assert any("C is worse" in one for one in said) and any("is out of reach" in one for one in said)
    floor = [*drawn({"a": 0.6, "b": 0.6}), *(Screened(one.name, one.values, False) for one in drawn({"floor": 0.6}))]
    assert "Not even random weights" in sentences(compared(floor, 0.25, 40, 0.02), "40 patients")[-1]
    assert screening.METRIC == "auroc"
