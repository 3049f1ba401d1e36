import numpy as np
import pytest
from scipy import stats

from report import statistics


def test_delong_agrees_with_its_definition_by_counting_pairs():
    rng = np.random.default_rng(0)
    positive = rng.random(60) < 0.4
    first, second = rng.normal(positive, 1), rng.normal(0.5 * positive, 1)
    areas, structure = [], []
    for scores in (first, second):
        wins = (scores[positive][:, None] > scores[~positive]) + 0.5 * (scores[positive][:, None] == scores[~positive])
        areas.append(wins.mean())
        structure.append((wins.mean(axis=1), wins.mean(axis=0)))
    covariance = (
        np.cov([s[0] for s in structure]) / positive.sum() + np.cov([s[1] for s in structure]) / (~positive).sum()
    )
    z = (areas[0] - areas[1]) / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    found = statistics.delong(positive, first, second)
    assert found == pytest.approx((*areas, 2 * stats.norm.sf(abs(z))))


def test_delong_of_a_classifier_with_itself_finds_nothing():
    positive = np.arange(20) % 2 == 0
    scores = np.random.default_rng(1).random(20)
    assert statistics.delong(positive, scores, scores)[2] == 1.0


def test_mcnemar_is_the_exact_binomial():
    first = np.array([True] * 12 + [False] * 3 + [True] * 30)
    second = np.array([False] * 12 + [True] * 3 + [True] * 30)
    assert statistics.mcnemar(first, second) == pytest.approx(stats.binomtest(3, 15, 0.5).pvalue)


def test_holm_of_a_worked_example():
    assert statistics.holm(np.array([0.01, np.nan, 0.04, 0.03])) == pytest.approx(
        [0.03, np.nan, 0.06, 0.06], nan_ok=True
    )


def test_the_corrected_t_test_by_hand_and_more_cautious_than_the_plain_one():
    differences = np.array([0.02, 0.05, 0.01, 0.04, 0.03])
    t = 0.03 / np.sqrt((1 / 5 + 0.25) * differences.var(ddof=1))
    p = statistics.corrected_resampled_t(differences, 0.25)
    assert p == pytest.approx(2 * stats.t.sf(t, 4)) and p > stats.ttest_1samp(differences, 0).pvalue


def test_whole_patients_are_drawn():
    groups = np.array(["a", "a", "b", "c", "c", "c"])
    weights = statistics.bootstrap_weights(groups, 50, 0)
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        values = rng.normal(1.0, 1.0, 60)
        weights = statistics.bootstrap_weights(np.arange(60), 400, trial)
        low, high = statistics.percentile_interval(weights @ values / weights.sum(axis=1))
        hits += low <= 1.0 <= high
    assert 0.90 <= hits / 200 <= 0.98


def test_the_bootstrap_test_finds_no_more_than_its_level_where_nothing_is():
    rng = np.random.default_rng(0)
    found = sum(statistics.bootstrap_p(rng.normal(rng.normal(), 1.0, 500), 60) < 0.05 for _ in range(300))
    assert found / 300 < 0.10


def test_three_patients_who_agree_prove_nothing():
    weights = statistics.bootstrap_weights(np.arange(3), 1000, 0)
    always = weights @ np.ones(3) / weights.sum(axis=1)
    assert statistics.bootstrap_p(always, 3) == 0.25
    assert statistics.bootstrap_p(always, 30) == pytest.approx(2 / 1001)


def rows_of(differences, seeds, classes=2):
    """Two rows of the table over the given folds and seeds: 40 test images, 10 units, 160 training images."""
    from report.rows import Row, Run

    rng = np.random.default_rng(0)
    facts = {"classes": ["a", "b"], "positive": "b", "has_patients": False, "synthetic": False, "stand_in": False}
    labels = {"profile": "strict", "target": "t", "budget": "all labels", "backbone": "n", "method": "full"}
    rows = []
    for chain, shift in (("imagenet", None), ("other", differences)):
        row = Row({**labels, "chain": chain, "level": "image"}, facts)
        for fold in range(len(differences)):
            y = np.arange(10) % classes
            for seed in range(seeds):
                score = y + rng.normal(0, 1.0 if shift is None else shift[fold], 10)
                scores = np.stack([-score, score], axis=1)
                names = np.array([f"{fold}-{n}" for n in range(10)])
                row.runs.append(Run(fold, seed, y, scores, names, names, 160, 40))
        rows.append(row)
    return rows


def test_seeds_on_one_split_are_no_further_samples_of_it():
    from report import table

    rows = rows_of([0.3, 0.6, 0.9, 0.4, 0.5], seeds=4)
    built = table.finished(table.lines(rows, ["auroc"], ["auroc"], "imagenet", 100, 0, [])).set_index("chain")
    each = [table._plain(row, "auroc").reshape(5, 4).mean(axis=1) for row in rows]
    by_hand = statistics.corrected_resampled_t(each[1] - each[0], 40 / 160)
    assert built.loc["other", "p_uncorrected"] == pytest.approx(by_hand)
    assert built.loc["other", "difference"] == pytest.approx((each[1] - each[0]).mean())


def test_a_metric_without_a_value_says_so():
    from report import table

    rows = rows_of([0.3, 0.6], seeds=1)
    for row in rows:
        row.runs[0].y[:] = 1
    built = table.finished(table.lines(rows, ["auroc"], ["auroc"], "imagenet", 100, 0, []))
    assert built["mean"].notna().all() and built["note"].str.contains("not defined in 1 of 2 runs").all()
    for row in rows:
        row.runs[1].y[:] = 1
    built = table.finished(table.lines(rows, ["auroc"], ["auroc"], "imagenet", 100, 0, []))
    assert built["mean"].isna().all() and built["note"].str.startswith("not defined: ").all()


def test_every_level_and_the_calibrated_scores_know_what_diverged(tmp_path):
    from report.rows import read_rows

    facts = {
        "strict/t": {"classes": ["a", "b"], "positive": "b", "has_patients": True, "has_studies": True, "cut": False}
    }
    facts["strict/t"] |= {"counts": [[0, "val", 0, 4]], "synthetic": False, "stand_in": False}
    inputs = []
    for fold in range(3):
        folder = tmp_path / str(fold)
        folder.mkdir()
        labels = {"profile": "strict", "target": "t", "budget": "all labels", "backbone": "n", "method": "full"}
        inputs.append(({**labels, "chain": "c", "fold": fold, "seed": 0}, folder))
        if fold == 1:
            (folder / "DONE").write_text('{"diverged": "finetune: the loss became nan"}')
            continue
        (folder / "DONE").write_text('{"images": 20}')
        rows = [f"{n},p{n},s{n % 4},{n},p{n},{'val' if n < 4 else 'test'},{'ab'[n % 2]},0.4,0.6" for n in range(12)]
        text = "id,patient,study,image,group,split,label,score_a,score_b"
        (folder / "predictions.csv").write_text("\n".join([text, *rows]))
    rows, _ = read_rows(inputs, facts, ["image", "study"], ["mean", "max"], True, 0.9)
    assert {row.labels["level"] for row in rows} == {"image", "study, mean", "study, max"} and len(rows) == 6
    assert all(len(row.diverged) == 1 and len(row.runs) == 2 for row in rows)


def test_what_diverged_in_part_is_compared_with_nothing_and_what_diverged_wholly_has_no_number():
    from report import table

    rows = rows_of([0.3, 0.6, 0.9], seeds=1)
    rows[1].runs.pop()
    rows[1].diverged = ["finetune: the loss became nan"]
    built = table.finished(table.lines(rows, ["auroc"], ["auroc"], "imagenet", 100, 0, [])).set_index("chain")
    assert built["p_uncorrected"].isna().all() and (built["n_comparisons"] == 0).all()
    assert built.loc["other", "note"].startswith("diverged in 1 of 3 runs") and np.isfinite(built.loc["other", "mean"])
    rows[1].runs.clear()
    assert list(table.finished(table.lines(rows, ["auroc"], ["auroc"], "imagenet", 100, 0, []))["chain"]) == [
        "imagenet"
    ]
    assert table.diverged(rows)[0]["note"] == "diverged: finetune: the loss became nan"
    assert "other" in table.said_of_failed(rows)[0] and table.said_of_failed(rows[:1]) == []


def test_a_dead_network_says_so_and_nothing_is_compared_with_it():
    from report import table

    rows = rows_of([0.3, 0.6, 0.9], seeds=1)
    rows[0].runs[0].scores[:] = [0.3, 0.7]
    built = table.finished(table.lines(rows, ["auroc"], ["auroc"], "imagenet", 100, 0, [])).set_index("chain")
    assert "1 of 3 runs give every image the same score" in built.loc["imagenet", "note"]
    assert np.isfinite(built.loc["other", "p_uncorrected"])
    for run in rows[0].runs:
        run.scores[:] = [0.3, 0.7]
    built = table.finished(table.lines(rows, ["auroc"], ["auroc"], "imagenet", 100, 0, [])).set_index("chain")
    assert built["p_uncorrected"].isna().all() and "compared with nothing" in built.loc["imagenet", "note"]
    assert table.said_of_failed(rows)[0].startswith("Dead (every image gets the same score)")
