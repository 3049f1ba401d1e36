"""How scores are judged: on made-up scores, and on the published table of Juodelyte et al. 2024."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from transferability.evaluation import judged, null_band, regret_of, static_ranks

SOURCES = [f"s{number}" for number in range(12)]
TARGETS = ["a", "b", "c", "d"]


def table(seed=0, of_source=0.0):
    """Gains: what a source is worth everywhere, and chance."""
    rng = np.random.default_rng(seed)
    worth = of_source * rng.normal(size=(len(SOURCES), 1))
    return pd.DataFrame(worth + rng.normal(size=(len(SOURCES), len(TARGETS))), SOURCES, TARGETS)


def test_the_right_order_has_a_tau_of_one_and_no_regret():
    gains = table()
    found = judged(2 * gains + 5, gains, draws=50)
    assert found.tau == pytest.approx(1) and found.low == pytest.approx(1) and found.kendall == pytest.approx(1)
    assert (found.regret, found.worst_regret, found.in_top, found.sources) == (0, 0, 1, 12)
    assert judged(-gains, gains, draws=50).tau < -0.9


def test_targets_are_never_compared_with_one_another():
    gains = table()
    shifted = gains + np.array([0, 100, -50, 3])
    assert judged(shifted, gains, draws=2).tau == pytest.approx(1)


def test_a_worthless_score_is_within_the_null_band_and_its_interval_holds_nought():
    rng = np.random.default_rng(1)
    found = [judged(table(rng.integers(1 << 30)), table(rng.integers(1 << 30)), draws=100) for _ in range(40)]
    values = np.array([list(one.per_target.values()) for one in found])
    assert np.mean(np.abs(values) > null_band(12, 3000)) == pytest.approx(0.05, abs=0.06)
    assert np.mean([one.low <= 0 <= one.high for one in found]) > 0.85


@pytest.mark.parametrize(("sources", "band"), [(5, 0.83), (10, 0.56), (20, 0.40), (30, 0.35)])
def test_the_null_band_is_the_known_one(sources, band):
    assert null_band(sources, 4000) == pytest.approx(band, abs=0.03)


def test_a_source_of_the_target_itself_is_left_out():
    gains = table()
    gains.loc["s0", "a"] = np.nan
    scores = gains.fillna(99.0)
    assert judged(scores, gains, draws=2).tau == pytest.approx(1)


def test_tied_scores_get_the_mean_of_their_gains_and_no_luck():
    gains = pd.DataFrame({"a": [0.9, 0.5, 0.1]}, ["x", "y", "z"])
    found = judged(pd.DataFrame({"a": [1.0, 1.0, 0.0]}, gains.index), gains, top=1, draws=2)
    assert found.regret == pytest.approx(0.2) and found.in_top == 0


def test_ranks_on_other_targets_say_what_is_the_sources_own():
    gains = table(of_source=3.0)
    assert judged(static_ranks(gains), gains, draws=50).tau > 0.7
    # A target's own gains play no part in the ranks that are used for it.
    changed = gains.assign(a=gains["a"].to_numpy()[::-1])
    assert static_ranks(changed)["a"].equals(static_ranks(gains)["a"])


def test_too_few_sources_say_nothing():
    few = table().iloc[:2]
    with pytest.raises(ValueError, match="three sources"):
        judged(few, few)
    assert not judged(table(), table(), draws=2).speaks_of_single_targets


@pytest.mark.real
def test_the_published_matrix_gives_the_known_numbers(data_dir):
    folder = Path(data_dir).parent / "golden/juodelyte2024"
    if not folder.is_dir() and not os.environ.get("INDOMAIN_REQUIRE_REAL"):
        pytest.skip("the published table is not beside the real images")

    def read(name):
        return pd.read_csv(folder / f"{name}_dataset.csv", index_col=0).set_index("source")

    targets = list(read("nleep").columns)
    gains = read("AUCs")[targets]
    for name in targets:
        gains.loc[name, name] = np.nan
    # Weighted τ with ImageNet and without.
    known = {
        "lp": (0.44, 0.38),
        "nleep": (0.41, 0.31),
        "leep": (0.35, 0.22),
        "logme": (0.33, 0.16),
        "parc": (0.30, 0.16),
    }
    known |= {"fu": (0.41, 0.30), "ncti": (0.18, 0.11)}
    without = gains.drop(index="imagenet")
    for name, expected in known.items():
        scores = read(name)
        both = judged(scores, gains, draws=2).tau, judged(scores, without, draws=2).tau
        assert tuple(round(value, 2) for value in both) == expected, name
    static = judged(static_ranks(gains), gains, draws=300)
    always = regret_of(lambda values: values["imagenet"], gains)
    for name in known:
        found = judged(read(name), gains, draws=2)
        assert found.tau < static.tau and found.regret > always, name
    assert round(static.tau, 2) == 0.55 and round(static.regret, 3) == 0.005 and round(static.worst_regret, 3) == 0.043
    assert round(judged(static_ranks(without), without, draws=2).tau, 2) == 0.45
    assert round(regret_of(lambda values: values["imagenet"], gains), 3) == 0.005
    assert round(regret_of(np.mean, gains), 3) == 0.037
    # Sources and targets are both drawn: wider than the published interval, which draws sources only.
    assert static.low < 0.38 and static.high > 0.66


def test_a_score_that_cannot_see_the_best_source_loses_by_it():
    gains = pd.DataFrame({"a": [0.95, 0.8, 0.7, 0.6], "b": [0.9, 0.6, 0.71, 0.65]}, ["imagenet", "x", "y", "z"])
    scores = gains.drop(index="imagenet").reindex(gains.index)
    found = judged(scores, gains)
    assert found.regret == pytest.approx((0.95 - 0.8 + 0.9 - 0.71) / 2) and found.in_top == 0 and found.sources == 3
    assert judged(gains, gains).regret == 0
