"""The rows and curves of corrupted images and of a confounding marker."""

import numpy as np
import pytest

from indomain import metrics
from report import statistics
from report.robustness import DIFFERENT, corrupted_arms, curves, robustness_rows
from tests.report.made import corrupted_run, finished_run, report_input, tags_of

CORRUPTED = [("none", 0), ("noise", 1), ("noise", 5), ("blur", 1), ("blur", 5)]
MARKED = [("marker as learnt", 0), ("marker absent", 1), ("marker reversed", 2)]


def scores(seed, conditions, count=10):
    """Scores of class b that tell the classes less and less, by condition."""
    rng = np.random.default_rng(seed)
    spreads = np.linspace(0.1, 0.6, len(conditions))
    y = np.arange(count) % 2
    return {
        one: np.clip(0.3 + 0.4 * y + rng.normal(0, spread, count), 0.01, 0.99).tolist()
        for one, spread in zip(conditions, spreads)
    }


@pytest.fixture
def study(tmp_path):
    """The input of a report with corrupted runs: (tags, scores) of each; None: it diverged."""

    def of(*runs):
        shown = []
        for number, (tags, given) in enumerate(runs):
            folder = tmp_path / str(number)
            gone = ("explain", "robustness", tags, finished_run(folder, diverged="nan"))
            shown.append(gone if given is None else corrupted_run(folder, tags, given))
        given = report_input(runs=shown)
        return given, corrupted_arms(given)

    return of


def chains(conditions, folds=1):
    """Runs of two chains over folds."""
    names = enumerate(("imagenet", "other"))
    return [
        (tags_of(chain=chain, fold=fold), scores(10 * n + fold, conditions))
        for n, chain in names
        for fold in range(folds)
    ]


def auroc(values):
    values = np.array(values)
    return metrics.evaluate(["auroc"], np.arange(len(values)) % 2, np.stack([1 - values, values], axis=1), 1)["auroc"][
        0
    ]


def test_each_condition_has_the_metric_of_its_scores(study):
    given = scores(0, CORRUPTED)
    _, arms = study((tags_of(), given))
    found = {condition: values.mean for condition, values in arms[0].samples.items()}
    assert found == pytest.approx({condition: auroc(values) for condition, values in given.items()})


def test_folds_are_one_arm_and_its_value_their_mean(study):
    every = [scores(fold, CORRUPTED) for fold in range(3)]
    _, arms = study(*[(tags_of(fold=fold), given) for fold, given in enumerate(every)])
    assert len(arms) == 1
    assert arms[0].samples["noise", 5].mean == pytest.approx(np.mean([auroc(given["noise", 5]) for given in every]))


def test_seeds_are_runs_of_one_arm_and_not_folds(study):
    every = [[scores(10 * seed + chain, CORRUPTED) for seed in range(3)] for chain in range(2)]
    names = ("imagenet", "other")
    runs = [(tags_of(chain=names[n], seed=seed), every[n][seed]) for n in range(2) for seed in range(3)]
    given, arms = study(*runs)
    expected = np.mean([auroc(one["noise", 5]) for one in every[0]])
    assert len(arms) == 2 and arms[0].samples["noise", 5].mean == pytest.approx(expected)
    row = next(row for row in robustness_rows(arms, given) if row.comparison)
    assert (
        len(row.sample.values) == 3 and row.comparison.family == "robustness" and 0 < row.comparison.difference.p <= 1
    )


def test_what_lacks_a_seed_is_compared_with_nothing(study):
    runs = [
        (tags_of(chain=chain, seed=seed), scores(seed, CORRUPTED)) for chain in ("imagenet", "other") for seed in (0, 1)
    ]
    given, arms = study(*runs[:3], (runs[3][0], None))
    noted = [row for row in robustness_rows(arms, given) if DIFFERENT in row.note]
    assert noted and all(row.comparison is None for row in noted)


def test_the_area_of_a_corruption_is_the_mean_over_its_severities(study):
    given = scores(0, CORRUPTED)
    _, arms = study((tags_of(), given))
    assert arms[0].area("noise").mean == pytest.approx((auroc(given["noise", 1]) + auroc(given["noise", 5])) / 2)


def test_the_table_has_whole_images_all_corruptions_and_each(study):
    given, arms = study((tags_of(), scores(0, CORRUPTED)))
    rows = {row.metric: row.mean for row in robustness_rows(arms, given)}
    names = ["auroc under no corruption", "auroc under corruption", "auroc under noise", "auroc under blur"]
    assert list(rows) == names and rows[names[1]] == pytest.approx((rows[names[2]] + rows[names[3]]) / 2)


def test_the_mean_under_corruption_is_compared_and_nothing_else(study):
    given, arms = study(*chains(CORRUPTED))
    compared = {row.metric for row in robustness_rows(arms, given) if row.comparison}
    assert compared == {"auroc under corruption"}


def test_a_markers_absence_is_compared_and_its_other_conditions_are_not(study):
    given, arms = study(*chains(MARKED))
    rows = robustness_rows(arms, given)
    assert [row.metric for row in rows[:3]] == [
        "auroc, marker as learnt",
        "auroc, marker absent",
        "auroc, marker reversed",
    ]
    assert {row.metric for row in rows if row.comparison} == {"auroc, marker absent"}


def test_several_folds_are_compared_by_the_corrected_t(study):
    given, arms = study(*chains(CORRUPTED, folds=3))
    compared = next(row.comparison for row in robustness_rows(arms, given) if row.comparison)
    values = [arm.summaries()[1].sample.values for arm in arms]
    by_hand = statistics.p_value((values[1] - values[0]).mean(), [statistics.folds_part(values[1] - values[0], 0.25)])
    found = compared.difference
    assert found.test.startswith("corrected resampled t") and found.p == pytest.approx(by_hand)
    assert found.value == pytest.approx((values[1] - values[0]).mean())


def test_one_training_is_compared_without_a_p(study):
    given, arms = study(*chains(CORRUPTED))
    compared = next(row.comparison for row in robustness_rows(arms, given) if row.comparison)
    assert compared.family == "one training" and np.isnan(compared.difference.p) and compared.reference == "imagenet"


def test_what_lacks_a_fold_is_compared_with_nothing(study):
    every = chains(CORRUPTED, folds=3)
    every[4] = (every[4][0], None)
    given, arms = study(*every)
    rows = [row for row in robustness_rows(arms, given) if row.key.chain == "other" and DIFFERENT in row.note]
    assert [row.metric for row in rows] == ["auroc under corruption"] and rows[0].comparison is None


def test_every_point_of_every_curve_is_listed(study):
    _, arms = study(*chains(CORRUPTED))
    points = curves(arms)
    assert len(points) == 2 * len(CORRUPTED) and points["ci_low"].le(points["ci_high"]).all()
    assert (
        set(points.columns) >= {"target", "chain", "method", "corruption", "severity", "mean"} and "level" not in points
    )


def test_without_corrupted_images_there_is_no_curve():
    given = report_input()
    assert corrupted_arms(given) == [] and len(curves([])) == 0
