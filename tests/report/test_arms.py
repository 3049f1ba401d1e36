"""The arms of the table: the test predictions of all runs of one target, chain, backbone and method."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from indomain.artifacts import predictions
from indomain.networks.calibration import temperature, tempered
from indomain.runs.tags import Method, Tags
from report import calibration
from report.arms import ArmResults, read_arms
from tests.report.made import FULL, arms_of, finished_run, report_input, row_key, split_info, tags_of

LEVELS = {"image", "study, mean", "study, max"}
INFO = split_info(has_patients=True, has_studies=True)
OPTIONS = {
    "levels": ["image", "study"],
    "rule": ["mean", "max"],
    "calibrate": True,
    "sensitivity": 0.9,
    "metrics": ["brier"],
}


def predicted(folder: Path, tags: Tags, stage: str = "finetune", kind: str = "", validation: int = 4):
    """A finished run that predicted twelve images of six patients, the first of them for validation."""
    rng = np.random.default_rng(tags.fold)
    numbers = np.arange(12)
    rows = pd.DataFrame({"id": numbers, "patient": numbers // 2, "study": numbers % 4, "image": numbers})
    rows = rows.astype(str).assign(group=rows["patient"].astype(str), y=numbers // 2 % 2)
    rows["split"] = np.where(numbers < validation, "val", "test")
    positive = np.clip(0.3 + 0.4 * rows["y"] + rng.normal(0, 0.1, 12), 0.05, 0.95).to_numpy()
    predictions.write(
        finished_run(folder, images=20) / "predictions.csv", rows, np.stack([1 - positive, positive], 1), ["a", "b"]
    )
    return stage, kind, tags, folder


def diverged(folder: Path, tags: Tags, stage: str = "finetune", kind: str = ""):
    """A run that is done, and left nothing."""
    return stage, kind, tags, finished_run(folder, diverged="finetune: the loss became nan")


@pytest.fixture
def read(tmp_path):
    """Reads runs with these tags; those whose number is in `failed` diverged."""

    def of(every, failed=(), options=OPTIONS, stage="finetune", kind="", **files):
        runs = [
            (diverged if number in failed else predicted)(tmp_path / str(number), tags, stage, kind, **files)
            for number, tags in enumerate(every)
        ]
        arms, frame = read_arms(report_input(options, info=INFO, runs=runs))
        return {arm.key: arm for arm in arms}, frame

    return of


def test_all_folds_and_seeds_of_a_row_are_one_arm(read):
    arms, _ = read([tags_of(fold=fold, seed=seed) for fold in range(2) for seed in range(2)], options={})
    assert list(arms) == [row_key()]
    assert [(run.fold, run.seed) for run in arms[row_key()].runs] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_an_arm_holds_test_images_only(read):
    arms, _ = read([tags_of()], options={})
    run = arms[row_key()].runs[0]
    assert run.ids.tolist() == [str(number) for number in range(4, 12)] and run.y.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_every_prediction_is_in_one_frame(read):
    _, frame = read([tags_of(), tags_of(chain="other")], options={})
    assert frame.groupby(["chain", "split"]).size().to_dict() == {
        ("imagenet", "test"): 8,
        ("imagenet", "val"): 4,
        ("other", "test"): 8,
        ("other", "val"): 4,
    }
    assert "group" not in frame and set(frame["method"]) == {"full"}


def test_each_level_is_an_arm_of_its_own(read):
    arms, _ = read([tags_of()])
    plain = {key.level: arm for key, arm in arms.items() if not key.method.calibrated}
    assert set(plain) == LEVELS and len(plain["study, max"].runs[0].y) == 8


def test_every_level_and_the_calibrated_scores_know_what_diverged(read):
    arms, _ = read([tags_of(fold=fold) for fold in range(3)], failed=[1])
    assert {(key.level, key.method.calibrated) for key in arms} == {
        (level, t) for level in LEVELS for t in (True, False)
    }
    assert all(len(arm.runs) == 2 and arm.diverged == ["finetune: the loss became nan"] for arm in arms.values())


def test_where_every_training_diverged_the_first_reason_is_given(read):
    with pytest.raises(FloatingPointError, match="every training diverged; the first: finetune: the loss became nan"):
        read([tags_of(), tags_of(fold=1)], failed=[0, 1])


# Whether scores can be calibrated is decided by what made them, not by how that is printed.


@pytest.mark.parametrize(
    ("method", "can_be"),
    [
        (FULL, True),
        (Method(strategy="full: slow, tuned"), True),
        (Method(classifier="lda"), False),
        (Method(rule="concat", classifier="lda", networks=2), False),
        (Method(rule="score-mean", networks=2), False),
    ],
)
def test_a_run_that_diverged_lacks_calibrated_scores_unless_it_is_a_classifiers(read, method, can_be):
    arms, _ = read([tags_of(method=method), tags_of(fold=1)], failed=[0])
    lacking = {arm.key.method.calibrated for arm in arms.values() if arm.diverged and arm.key.level == "image"}
    assert lacking == ({True, False} if can_be else {False})


def test_classifiers_and_heads_are_read_beside_networks(read, tmp_path):
    runs = [
        predicted(tmp_path / "a", tags_of()),
        predicted(tmp_path / "b", tags_of(method=Method(classifier="lda")), "fusion", "classify", validation=0),
        predicted(
            tmp_path / "c", tags_of(method=Method(rule="score-mean", networks=2)), "fusion", "heads", validation=0
        ),
        ("explain", "panel", tags_of(), tmp_path / "none"),
    ]
    arms, _ = read_arms(report_input({}, info=INFO, runs=runs))
    words = [str(arm.key.method) for arm in arms]
    assert words == ["full", "features: lda", "fusion by score-mean: own heads"]


def test_the_temperature_is_fitted_on_validation_images(read, tmp_path):
    arms, _ = read([tags_of()])
    plain, warmed = (arms[row_key(method=Method(strategy="full", calibrated=given))].runs[0] for given in (False, True))
    table, y, scores = predictions.read(tmp_path / "0/predictions.csv", ["a", "b"])
    held_out = (table["split"] == "val").to_numpy()
    fitted = temperature(y[held_out], scores[held_out])
    np.testing.assert_allclose(warmed.scores, tempered(plain.scores, fitted))


def test_the_threshold_is_chosen_on_validation_images(read, tmp_path):
    arms, _ = read([tags_of()])
    table, y, scores = predictions.read(tmp_path / "0/predictions.csv", ["a", "b"])
    held_out = (table["split"] == "val").to_numpy()
    expected = calibration.threshold(y[held_out] == 1, scores[held_out, 1], 0.9)
    assert arms[row_key()].runs[0].threshold == expected


def test_without_validation_images_there_is_neither_threshold_nor_temperature(read):
    arms, _ = read([tags_of(method=Method(classifier="lda"))], stage="fusion", kind="classify", validation=0)
    assert {key.method.calibrated for key in arms} == {False}
    assert all(np.isnan(arm.runs[0].threshold) for arm in arms.values())


def test_arms_that_differ_in_their_chain_alone_stand_together(read):
    every = [tags_of(chain=chain, backbone=backbone) for chain in ("imagenet", "other") for backbone in ("m", "n")]
    arms, _ = read(every, options={})
    assert [(key.backbone, key.chain) for key in arms] == [
        ("m", "imagenet"),
        ("m", "other"),
        ("n", "imagenet"),
        ("n", "other"),
    ]


def test_a_network_that_answers_every_image_the_same_is_dead():
    arm = arms_of([0.3, 0.5])[1]
    assert arm.dead == 0 and arm.is_comparable
    arm.runs[0].scores[:] = [0.3, 0.7]
    assert arm.dead == 1 and arm.is_comparable
    arm.runs[1].scores[:] = [0.4, 0.6]
    assert arm.dead == 2 and not arm.is_comparable


def test_an_arm_that_diverged_in_part_is_compared_with_nothing():
    arm = arms_of([0.3, 0.5])[1]
    arm.diverged = ["nan"]
    assert not arm.is_comparable and not ArmResults(row_key(), split_info()).is_comparable
