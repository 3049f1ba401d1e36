"""The table: numbers, notes and comparisons of arms whose scores are known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from indomain import metrics
from indomain.recipe.recipe import BASELINE
from indomain.runs.tags import Method
from report import statistics, table
from report.arms import ArmResults, Run
from tests.report.made import arms_of, report_input, row_key, split_info


def built(arms, options=None, **changes):
    """The finished table of arms, by chain."""
    given = report_input(options, **changes)
    return table.finished(table.score_rows(arms, given), given.options["margin"]).set_index("chain")


def aurocs(arm):
    return np.array([metrics.evaluate(["auroc"], run.y, run.scores, 1)["auroc"][0] for run in arm.runs])


# Numbers.


@pytest.mark.parametrize(
    ("cells", "printed"), [((124, 16, 129, 19), (87.85, 87.63, 75.69)), ((227, 68, 337, 27), (85.58, 82.70, 70.46))]
)
def test_the_papers_confusion_matrices_give_the_papers_digits(cells, printed):
    hit, missed, right, false = cells
    y, said = np.repeat([1, 1, 0, 0], [hit, missed, right, false]), np.repeat([1, 0, 0, 1], [hit, missed, right, false])
    names = np.arange(len(y)).astype(str)
    run = Run(0, 0, y, np.eye(2)[said] * 0.8 + 0.1, names, names)
    numbers = built([ArmResults(row_key(), split_info(), runs=[run])], {"metrics": ["accuracy", "f1", "kappa"]})
    assert [round(100 * value, 2) for value in numbers["mean"]] == list(printed)


def test_a_mean_is_over_runs_and_so_is_its_deviation():
    arms = arms_of([0.3, 0.6, 0.9], seeds=2)
    row = built(arms).loc["other"]
    assert row["mean"] == pytest.approx(aurocs(arms[1]).mean())
    assert row["sd_runs"] == pytest.approx(aurocs(arms[1]).std(ddof=1)) and row["n_runs"] == 6
    assert row["ci_low"] < row["mean"] < row["ci_high"]


def test_one_run_has_no_deviation():
    assert built(arms_of([0.9]))["sd_runs"].isna().all()


def test_images_and_patients_are_counted_once():
    arms = arms_of([0.3, 0.6], seeds=3)
    arms[0] = ArmResults(arms[0].key, split_info(has_patients=True), runs=arms[0].runs)
    for run in arms[0].runs:
        run.groups = np.array([f"{run.fold}-{number // 2}" for number in range(10)])
    numbers = built(arms)
    assert numbers.loc["imagenet", ["n_images", "n_patients"]].tolist() == [20, 10]
    assert np.isnan(numbers.loc["other", "n_patients"])


def test_every_metric_is_a_row_and_a_temperature_changes_two_of_them():
    arm = arms_of([0.9])[0]
    warmed = ArmResults(row_key(method=Method(strategy="full", calibrated=True)), arm.info, runs=arm.runs)
    numbers = built([arm, warmed], {"metrics": ["auroc", "calibration_error", "brier"], "calibrate": True})
    assert numbers.groupby("method")["metric"].agg(list).to_dict() == {
        "full": ["auroc", "calibration_error", "brier"],
        "full, calibrated": ["calibration_error", "brier"],
    }


def test_sensitivity_and_specificity_are_those_above_each_runs_own_threshold():
    arm = arms_of([0.9])[1]
    run = arm.runs[0]
    run.threshold = float(np.median(run.scores[:, 1]))
    numbers = built([arm], {"sensitivity": 0.9}).set_index("metric")["mean"]
    above = run.scores[:, 1] >= run.threshold
    assert numbers["sensitivity at sensitivity 0.9"] == pytest.approx(above[run.y == 1].mean())
    assert numbers["specificity at sensitivity 0.9"] == pytest.approx((~above[run.y == 0]).mean())


# Comparisons.


def test_seeds_on_one_split_are_no_further_samples_of_it():
    arms = arms_of([0.3, 0.6, 0.9, 0.4, 0.5], seeds=4)
    row = built(arms).loc["other"]
    values = [aurocs(arm).reshape(5, 4) for arm in arms]
    each = [of_arm.mean(axis=1) for of_arm in values]
    seeds = statistics.joined([statistics.seeds_part(of_arm.mean(axis=0)) for of_arm in values])
    parts = [statistics.folds_part(each[1] - each[0], 40 / 160), seeds]
    expected = statistics.p_value((each[1] - each[0]).mean(), parts)
    assert row["p_uncorrected"] == pytest.approx(expected) and row["test"] == "corrected resampled t"
    assert row["difference"] == pytest.approx((each[1] - each[0]).mean())


def test_one_run_each_on_independent_images_is_compared_by_delong():
    arms = arms_of([0.5])
    row = built(arms).loc["other"]
    reference, other = (arm.runs[0] for arm in arms)
    expected = statistics.delong(reference.y == 1, other.scores[:, 1], reference.scores[:, 1])[2]
    assert row["test"] == "DeLong, of these two networks" and row["p_uncorrected"] == pytest.approx(expected)


def test_one_training_of_each_is_said_and_leads_to_no_verdict():
    numbers = built(arms_of([0.1]))
    assert numbers["note"].str.contains("one training").all() and numbers["verdict"].isna().all()
    assert numbers.loc["other", "family"] == "one training" and np.isfinite(numbers.loc["other", "difference_low"])


def test_several_seeds_on_one_split_are_compared_with_what_varies_over_them():
    row = built(arms_of([0.3], seeds=3), recipe={"seeds": [0, 1, 2]}).loc["other"]
    assert (
        row["test"] == "t over patients and seeds, sign flip over patients"
        and row["interval_holds"] == "patients, seeds"
    )
    assert row["family"] == "primary" and row["verdict"] in ("better", "worse", "equal", "cannot tell")


def test_what_is_the_same_for_every_seed_is_no_single_training():
    arms = arms_of([0.3], seeds=3)
    arms[1].runs = arms[1].runs[:1]
    row = built(arms, recipe={"seeds": [0, 1, 2]}).loc["other"]
    assert "one training" not in str(row["note"]) and np.isfinite(row["p_uncorrected"])


def test_accuracies_of_one_run_each_are_compared_by_mcnemar():
    row = built(arms_of([0.5]), {"metrics": ["accuracy"], "test_metrics": ["accuracy"]}).loc["other"]
    assert row["test"] == "McNemar, of these two networks"


def test_one_training_on_several_images_a_patient_has_no_test():
    arms = arms_of([0.5])
    for arm in arms:
        arm.runs[0].groups = np.arange(10) // 2
    row = built(arms).loc["other"]
    assert row[["test", "p_uncorrected"]].isna().all() and row["difference_low"] < row["difference"]


def test_only_the_metrics_named_are_compared():
    numbers = built(arms_of([0.5]), {"metrics": ["auroc", "f1"], "test_metrics": ["f1"]})
    assert numbers.loc["other"].set_index("metric")["difference"].notna().to_dict() == {"auroc": False, "f1": True}


def test_each_family_is_corrected_by_itself():
    arms = arms_of([0.3, 0.6, 0.9])
    third = ArmResults(row_key("random"), split_info(), runs=arms_of([0.9, 0.5, 0.7])[1].runs)
    numbers = built([*arms, third], {"metrics": ["auroc", "f1"], "test_metrics": ["auroc", "f1"]})
    compared = numbers[numbers["family"].notna()]
    assert compared["family"].tolist() == ["primary", "other metrics"] * 2
    for _, part in compared.groupby("family"):
        assert (part["n_comparisons"] == 2).all()
        np.testing.assert_allclose(part["p_value"], statistics.holm(part["p_uncorrected"].to_numpy()))


def test_a_calibration_error_pools_the_folds_and_its_interval_holds_it():
    arms = arms_of([0.3, 0.6, 0.9], seeds=2)
    for run in [run for arm in arms for run in arm.runs]:
        run.scores = 1 / (1 + np.exp(-run.scores))
        run.scores /= run.scores.sum(axis=1, keepdims=True)
    row = (
        built(arms, {"metrics": ["auroc", "calibration_error"]})
        .loc["other"]
        .set_index("metric")
        .loc["calibration_error"]
    )
    runs = [run for run in arms[1].runs if run.seed == 0]
    y, scores = (np.concatenate([getattr(run, name) for run in runs]) for name in ("y", "scores"))
    assert row["n_runs"] == 6 and row["ci_low"] <= row["mean"] <= row["ci_high"]
    first = metrics.evaluate(["calibration_error"], y, scores)["calibration_error"][0]
    assert -1 <= first <= 1 and row["mean"] >= 0


def test_what_diverged_in_part_is_compared_with_nothing():
    arms = arms_of([0.3, 0.6, 0.9])
    arms[1].runs.pop()
    arms[1].diverged = ["finetune: the loss became nan"]
    numbers = built(arms)
    assert numbers["p_uncorrected"].isna().all() and numbers["n_comparisons"].isna().all()
    assert numbers.loc["other", "note"].startswith("diverged in 1 of 3 runs; mean of the others")
    assert np.isfinite(numbers.loc["other", "mean"])


def test_what_diverged_wholly_has_no_number_but_a_row_that_says_so():
    arms = arms_of([0.3, 0.6, 0.9])
    arms[1].runs.clear()
    arms[1].diverged = ["finetune: the loss became nan"]
    assert list(built(arms).index) == ["imagenet"]
    absent = table.absent(arms, report_input())
    assert absent[["chain", "metric", "note"]].values.tolist() == [
        ["other", "auroc", "diverged: finetune: the loss became nan"]
    ]
    assert absent["mean"].isna().all()


def test_an_arm_that_cannot_be_run_is_a_row_without_numbers():
    missing = [
        {"profile": "strict", "target": "t", "chain": "imagenet", "backbone": "dcnn", "note": "not run: no weights"}
    ]
    absent = table.absent([], report_input(missing=missing))
    assert list(absent.columns) == table.COLUMNS and absent["note"].tolist() == ["not run: no weights"]


def test_with_nothing_absent_there_are_no_such_rows():
    assert len(table.absent(arms_of([0.3]), report_input())) == 0


def test_a_dead_network_says_so():
    arms = arms_of([0.3, 0.6, 0.9])
    arms[0].runs[0].scores[:] = [0.3, 0.7]
    numbers = built(arms)
    assert "1 of 3 runs give every image the same score" in numbers.loc["imagenet", "note"]
    assert np.isfinite(numbers.loc["other", "p_uncorrected"])


def test_nothing_is_compared_with_what_is_wholly_dead():
    arms = arms_of([0.3, 0.6, 0.9])
    for run in arms[0].runs:
        run.scores[:] = [0.3, 0.7]
    numbers = built(arms)
    assert numbers["p_uncorrected"].isna().all() and "compared with nothing" in numbers.loc["imagenet", "note"]


# Notes.


def test_a_metric_without_a_value_in_some_runs_says_so():
    arms = arms_of([0.3, 0.6])
    for arm in arms:
        arm.runs[0].y[:] = 1
    numbers = built(arms)
    assert numbers["mean"].notna().all() and numbers["note"].str.contains("not defined in 1 of 2 runs").all()


def test_a_metric_without_any_value_says_so():
    arms = arms_of([0.3, 0.6])
    for run in [run for arm in arms for run in arm.runs]:
        run.y[:] = 1
    numbers = built(arms)
    assert numbers["mean"].isna().all() and numbers["note"].str.startswith("not defined: ").all()


def test_a_sensitivity_without_validation_images_says_so():
    numbers = built(arms_of([0.9])[:1], {"sensitivity": 0.9})
    at = numbers[numbers["metric"].str.contains(" at ")]
    assert at["mean"].isna().all() and at["note"].eq("no validation images left to choose the threshold on").all()


def test_a_sensitivity_without_a_positive_class_says_so():
    arm = arms_of([0.9])[0]
    three = split_info(classes=["a", "b", "c"], positive="")
    run = arm.runs[0]
    run.scores = np.concatenate([run.scores, np.full((10, 1), -9.0)], axis=1)
    numbers = built([ArmResults(arm.key, three, runs=[run])], {"sensitivity": 0.9, "metrics": ["accuracy"]})
    at = numbers[numbers["metric"].str.contains(" at ")]
    assert at["note"].eq("no positive class to state a sensitivity for").all()


@pytest.mark.parametrize(("dropped", "is_said"), [(0, True), (2, False)])
def test_leaks_that_were_kept_are_said(dropped, is_said):
    arm = arms_of([0.9])[1]
    leaky = split_info(leaks={"same patient": 2}, dropped=dropped)
    note = built([ArmResults(arm.key, leaky, runs=arm.runs)]).loc["other", "note"]
    assert ("leaks between training and test are kept" in str(note)) is is_said


def test_a_marker_in_the_test_images_is_said():
    arm = arms_of([0.9])[1]
    numbers = built([ArmResults(arm.key, arm.info, True, arm.runs)])
    assert "test images carry the marker as it was learnt" in numbers.loc["other", "note"]


# Reported numbers.


def test_a_reported_number_is_listed_next_to_the_rows_of_its_words():
    reported = {"chain": "other", "metric": "auroc", "value": 0.5, "source": "A paper", "same": True, "method": ""}
    numbers = built(arms_of([0.5]), {"reported": [reported], "metrics": ["auroc", "f1"]})
    given = numbers[numbers["reported"].notna()]
    assert list(zip(given.index, given["metric"])) == [("other", "auroc")]
    assert given["minus_reported"].item() == pytest.approx(given["mean"].item() - 0.5)


def of_strategies(**rows):
    """Trainings of one chain and network by several strategies, of these strengths, beside the bar."""
    found = [arm for arm in with_bar(imagenet=0.7, frozen=0.8) if arm.key.chain == BASELINE]
    for name, strength in rows.items():
        arm = arms_of([strength], seeds=3)[1]
        found.append(replace(arm, key=replace(arms_of([0.3])[0].key, method=Method(strategy=name))))
    options = {"control": "none", "best_imagenet": True}
    return built(found, options, recipe={"seeds": [0, 1, 2]}).set_index("method")


def test_what_a_strategy_adds_to_the_control_stands_beside_the_difference_from_the_best_imagenet_row():
    numbers = of_strategies(none=0.3, elastic=0.9)
    bar = "imagenet-frozen, a+b+c, off-the-shelf fusion: logistic-regression"
    assert numbers["compared_with"].dropna().to_dict() == {"none": bar, "elastic": bar}
    assert numbers["same_network_with"].dropna().to_dict() == {"elastic": "none"}
    row, gain = numbers.loc["elastic"], numbers.loc["elastic", "mean"] - numbers.loc["none", "mean"]
    assert row["same_network_difference"] == pytest.approx(gain, abs=1e-9) and gain != 0
    assert row["same_network_low"] < gain < row["same_network_high"]


def test_where_a_chain_lacks_the_control_there_is_no_difference_from_it():
    assert of_strategies(elastic=0.9)["same_network_with"].isna().all()


def test_the_columns_are_those_of_the_file_in_their_order():
    assert list(table.finished([], 0.02).columns) == table.COLUMNS
    assert isinstance(built(arms_of([0.5])).reset_index(), pd.DataFrame)


def with_bar(**validated):
    """Three trainings each of "imagenet" and "other", and of a frozen network, with these metrics of validation images."""
    arms = {arm.key.chain: arm for arm in arms_of([0.3], seeds=3)}
    frozen = arms_of([0.6], seeds=3)[1]
    method = Method(rule="concat", classifier="logistic-regression", networks=3, fitted_by="off-the-shelf")
    arms["frozen"] = replace(frozen, key=replace(frozen.key, chain=BASELINE, backbone="a+b+c", method=method))
    for name, value in validated.items():
        for run in arms[name].runs:
            run.validated = value
    return list(arms.values())


def of_bar(best_imagenet=True, **validated):
    numbers = built(with_bar(**validated), {"best_imagenet": best_imagenet}, recipe={"seeds": [0, 1, 2]})
    return numbers["compared_with"].dropna().to_dict(), numbers


def test_the_reference_is_the_imagenet_row_that_is_best_on_validation_images():
    name = "imagenet-frozen, a+b+c, off-the-shelf fusion: logistic-regression"
    compared, numbers = of_bar(imagenet=0.7, frozen=0.8, other=0.99)
    assert compared == {"imagenet": name, "other": name}
    assert numbers.loc["other", "difference"] == pytest.approx(
        numbers.loc["other", "mean"] - numbers.loc[BASELINE, "mean"], abs=1e-9
    )


def test_the_same_network_from_imagenet_stands_beside_the_best():
    _, numbers = of_bar(imagenet=0.7, frozen=0.8, other=0.99)
    row = numbers.loc["other"]
    assert row["same_network_difference"] == pytest.approx(row["mean"] - numbers.loc["imagenet", "mean"], abs=1e-9)
    assert row["same_network_low"] < row["same_network_difference"] < row["same_network_high"]


def test_where_the_fine_tuned_row_is_best_it_is_the_reference_and_its_own_is_none():
    compared, numbers = of_bar(imagenet=0.9, frozen=0.8, other=0.99)
    assert compared == {"other": "imagenet, n, full"} and numbers.loc["other", "same_network_with"] == "imagenet"
    assert numbers.loc["other", "same_network_difference"] == numbers.loc["other", "difference"]


@pytest.mark.parametrize(
    ("best_imagenet", "validated"), [(False, {"imagenet": 0.7, "frozen": 0.8}), (True, {"imagenet": 0.7})]
)
def test_with_a_chain_named_or_without_a_baseline_the_same_network_is_the_reference(best_imagenet, validated):
    assert of_bar(best_imagenet, **validated)[0] == {"other": "imagenet"}


def test_a_calibration_error_on_another_set_does_not_count_its_images_once_a_fold():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.2, 0.8, 200)
    y = (rng.random(200) < sure).astype(int)
    scores = np.stack([1 - sure, sure], axis=1)
    runs = [Run(fold, 0, y, scores, np.arange(200).astype(str), np.arange(200).astype(str)) for fold in range(5)]
    there = ArmResults(row_key(target="t → else"), split_info(), runs=runs)
    given = report_input(
        {"metrics": ["auroc", "calibration_error"]}, infos={"strict/t": split_info(), "strict/t → else": split_info()}
    )
    given.recipe["targets"]["t → else"] = {**given.recipe["targets"]["t"], "external_of": "t"}
    rows = table.finished(table.score_rows([there], given), 0.02).set_index("metric")
    alone = metrics.evaluate(["calibration_error"], y, scores)["calibration_error"][0]
    assert rows.loc["calibration_error", "mean"] == pytest.approx(max(alone, 0), abs=1e-6)


def test_on_another_set_the_reference_is_the_one_that_the_target_chose():
    own = with_bar(imagenet=0.9, frozen=0.8, other=0.99)
    there = [
        replace(arm, key=replace(arm.key, target="t → else"), runs=[replace(run, validated=np.nan) for run in arm.runs])
        for arm in own
    ]
    given = report_input(
        {"best_imagenet": True},
        recipe={"seeds": [0, 1, 2]},
        infos={"strict/t": split_info(), "strict/t → else": split_info()},
        budgets={"t": [["all labels", None]], "t → else": [["all labels", None]]},
    )
    given.recipe["targets"]["t → else"] = {**given.recipe["targets"]["t"], "external_of": "t"}
    rows = table.finished(table.score_rows([*own, *there], given), 0.02)
    compared = rows[rows["compared_with"].notna()].set_index("target")
    assert compared["compared_with"].to_dict() == {"t": "imagenet, n, full", "t → else": "imagenet, n, full"}
    # Differences there are no finding about the target.
    assert compared["family"].to_dict() == {"t": "primary", "t → else": "another set"}
