"""Which row is first, in how many draws of patients, folds and seeds."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau

from report import bootstrap, ranks
from report.ranks import Ranking
from report.sample import Sample
from tests.report.made import report_input, sample, table_row


def drawn_sample(rng, means, shared, own, seeds, noise) -> list[Sample]:
    """Samples of rows with true means: patients who move all rows alike or one alone, and seeds of their own."""
    patients = len(shared)
    found, z = [], rng.normal(0, 1, patients)
    for mean in means:
        alone = rng.normal(0, own / np.sqrt(patients), patients)
        values = mean + z @ (shared + alone) + rng.normal(0, noise, seeds)
        influence = np.tile(shared + alone, (seeds, 1))
        found.append(
            Sample(
                folds=np.zeros(seeds, int), seeds=np.arange(seeds), values=values,
                patients=np.arange(patients).astype(str), influence=influence,
            )
        )  # fmt: skip
    return found


@pytest.mark.parametrize("count", [2, 5])
def test_rows_that_do_not_differ_are_hardly_ever_called_best(count):
    """Simulated: of experiments without any difference, in about one of twenty a row is called best."""
    rng, called = np.random.default_rng(0), 0
    for _ in range(300):
        rows = drawn_sample(rng, [0.7] * count, np.full(60, 0.003), 0.02, 5, 0.02)
        shares = (ranks._ranked(-bootstrap.draws(rows, 1000)) == 1).mean(axis=0)
        called += shares.max() >= ranks.SURELY
    assert called / 300 < 0.075


def folds_of(rng, means, folds=5, seeds=2) -> list[Sample]:
    """Rows of a cross-validation: folds that move all rows alike, and each row by itself, and seeds."""
    common, found = rng.normal(0, 0.03, folds), []
    for mean in means:
        by_fold, by_seed = mean + common + rng.normal(0, 0.02, folds), rng.normal(0, 0.01, seeds)
        values = (by_fold[:, None] + by_seed + rng.normal(0, 0.01, (folds, seeds))).ravel()
        found.append(
            Sample(
                folds=np.repeat(np.arange(folds), seeds), seeds=np.tile(np.arange(seeds), folds), values=values,
                patients=np.arange(100), influence=np.zeros((folds * seeds, 100)), test_share=0.25,
            )
        )  # fmt: skip
    return found


@pytest.mark.parametrize(("better", "low", "high"), [(0.0, 0.0, 0.05), (0.3, 0.9, 1.0)])
def test_two_seeds_and_five_folds_find_what_is_there_and_no_more(better, low, high):
    rng, called = np.random.default_rng(2), 0
    for _ in range(100):
        rows = folds_of(rng, [0.6] * 9 + [0.6 + better])
        called += (ranks._ranked(-bootstrap.draws(rows, 1000)) == 1).mean(axis=0).max() >= ranks.SURELY
    assert low <= called / 100 <= high


def test_one_training_and_an_unknown_variance_have_no_rank():
    one = [
        replace(table_row(chain, mean), sample=sample([mean])) for chain, mean in (("imagenet", 0.6), ("other", 0.9))
    ]
    assert not ranks.rankings(one, report_input())
    unknown = [
        replace(row, sample=replace(row.sample, influence=np.full_like(row.sample.influence, np.nan)))
        for row in (table_row("imagenet", 0.6), table_row("other", 0.9))
    ]
    assert not ranks.rankings(unknown, report_input())


def test_a_row_that_is_far_better_is_called_best():
    rng = np.random.default_rng(0)
    rows = drawn_sample(rng, [0.7, 0.95, 0.7], np.full(60, 0.003), 0.01, 5, 0.01)
    drawn = ranks._ranked(-bootstrap.draws(rows, 1000))
    ranking = Ranking("strict", "t", "all labels", "image", "auroc", [(name, "n", "full") for name in "abc"], np.array([0.7, 0.95, 0.7]), drawn)  # fmt: skip
    assert ranking.best == ("b", "n", "full") and ranking.rank.tolist() == [2, 1, 2]
    table = ranking.table()
    assert table["chain"].iloc[0] == "b" and table["first"].iloc[0] > 0.99 and table["rank_high"].iloc[0] == 1
    np.testing.assert_allclose(ranking.shares.sum(axis=1), 1)


def test_where_less_is_better_the_least_is_first():
    rows = [table_row("imagenet", 0.2, "brier"), table_row("other", 0.3, "brier")]
    (ranking,) = ranks.rankings(rows, report_input({"metrics": ["brier"]}))
    assert ranking.table()["chain"].tolist() == ["imagenet", "other"]


def test_only_own_heads_that_can_be_compared_are_ranked():
    rows = [
        table_row("imagenet", 0.8),
        table_row("other", 0.7),
        table_row("random", 0.6, note="diverged in 1 of 3 runs; mean of the others, compared with nothing"),
        table_row("random", 0.9, "calibration_error"),
    ]
    found = ranks.rankings(rows, report_input())
    assert [(one.metric, [row[0] for row in one.rows]) for one in found] == [("auroc", ["imagenet", "other"])]


def several_targets(count=2, **changes):
    targets = {f"t{number}": {"set": f"set{number}"} for number in range(count)} | changes
    names = list(targets)
    given = report_input(recipe={"targets": targets}, budgets={name: [["all labels", 1.0]] for name in names})
    rows = [
        table_row(chain, mean + 0.01 * number, target=name)
        for number, name in enumerate(names)
        for chain, mean in (("imagenet", 0.6), ("other", 0.9), ("random", 0.5))
    ]
    return rows, given


def test_over_targets_the_mean_rank_counts_and_each_set_once():
    rows, given = several_targets(2, again={"set": "set0"}, marked={"set": "set2", "confounder": {"share": 0.9}})
    joined = ranks.rankings(rows, given)[-1]
    assert (joined.target, joined.targets) == ("all targets", 2)
    assert joined.table()["chain"].tolist() == ["other", "imagenet", "random"]
    # A target of several sets is another one than each of them.
    pooled = several_targets(2, both={"set": ["set0", "set1"]}, again={"set": ["set0", "set1"]})
    assert ranks.rankings(*pooled)[-1].targets == 3
    assert joined.means.tolist() == [2, 1, 3]


def test_few_targets_are_taken_as_they_are_and_many_are_drawn_anew():
    """A row that wins on two of three targets: on these it is first by the mean, on others it need not be."""
    means = {"imagenet": (0.6, 0.9), "other": (0.9, 0.6), "random": (0.3, 0.3)}
    for count, is_sure in ((3, True), (6, False)):
        rows, given = several_targets(count)
        rows = [
            table_row(chain, means[chain][number % 3 == 0], target=f"t{number}") for number in range(count) for chain in means
        ]  # fmt: skip
        joined = ranks.rankings(rows, given)[-1]
        assert joined.targets == count and (joined.best is not None) is is_sure
        said = ranks.sentences([joined], given)[0]
        assert said.startswith(f"all {count} targets{', as they are' if is_sure else ''}: ")


def test_pairs_leave_out_what_counts_a_set_twice():
    rows, given = several_targets(5, again={"set": "set0"}, marked={"set": "set9", "confounder": {"share": 0.9}})
    assert not len(ranks.pairs_over_targets(rows, given))


def test_of_several_units_of_counting_the_first_is_spoken_of():
    rows = [table_row(chain, mean, level=level) for level in ("image", "patient") for chain, mean in (("imagenet", 0.6), ("other", 0.9))]  # fmt: skip
    assert len(ranks.sentences(ranks.rankings(rows, report_input()), report_input())) == 1


def test_agreement_of_metrics_is_kendalls_tau():
    rows = [table_row(chain, mean, metric) for metric, means in (("auroc", (0.9, 0.8, 0.7)), ("f1", (0.9, 0.7, 0.8))) for chain, mean in zip(("imagenet", "other", "random"), means)]  # fmt: skip
    found = ranks.agreement(ranks.rankings(rows, report_input({"metrics": ["auroc", "f1"]})))
    assert found["tau"].tolist() == pytest.approx([kendalltau([1, 2, 3], [1, 3, 2]).statistic])
    assert found["tau_low"][0] <= found["tau"][0] <= found["tau_high"][0]


def test_pairs_are_tested_from_six_targets_on():
    assert not len(ranks.pairs_over_targets(*several_targets(5)))
    table = ranks.pairs_over_targets(*several_targets(6))
    assert len(table) == 3 and table["p_uncorrected"].tolist() == pytest.approx([2 / 2**6] * 3)
    assert (table["p_value"] >= table["p_uncorrected"]).all()


def test_the_sentence_calls_nothing_best_that_is_not():
    unsure = [table_row("imagenet", 0.80), replace(table_row("other", 0.801), sample=sample([0.801] * 3, seed=1))]
    (said,) = ranks.sentences(ranks.rankings(unsure, report_input()), report_input())
    assert said.startswith("t: none of the 2 rows is surely best; ")
    sure = [table_row("imagenet", 0.60), table_row("other", 0.95)]
    (said,) = ranks.sentences(ranks.rankings(sure, report_input()), report_input())
    assert said.startswith("t: other (n, full) is first of 2 in ")
