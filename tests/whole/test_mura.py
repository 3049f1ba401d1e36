"""MURA: whole recipes on phantoms in its layout, the plans of the papers' recipes, and the paper's printed digits."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from indomain.data.images import phantom
from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import BASELINE, load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.tags import Method
from indomain.runs.task import find
from report.arms import ArmResults, Run
from report.comparison import RowKey
from report.table import finished, score_rows
from tests.indomain.data.made import image, save
from tests.report.made import report_input, split_info
from tests.whole.in_folder import run_in

RECIPE = """
title = "MURA"
size = 32
backbones = [{ name = "dcnn-light", width = 0.125 }]
[targets.humerus]
set = "mura/humerus"
split = { scheme = "official", validation = 0.2 }
[sources.others]
set = "mura/all-but-humerus+wrist"
[baseline]
backbones = []
[chains]
in-domain = ["random", "others:supervised"]
[finetune]
epochs = 1
[pretrain.supervised]
epochs = 1
[report]
levels = ["image", "study"]
rule = ["mean", "max"]
"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> tuple[Path, str]:
    """A folder with a phantom in MURA's layout, and the name of a patient who is tested on the humerus.

    Its faults: that patient has elbow images among the source's, a study has two labels, and a file is broken.
    """
    folder = tmp_path_factory.mktemp("faulty")
    phantom.write_mura(folder / "data", patients=12, size=(48, 48))
    top = folder / "data/MURA-v1.1"
    tested = min(top.glob("valid/XR_HUMERUS/*"))
    shutil.copytree(min(top.glob("train/XR_ELBOW/*")), top / "train/XR_ELBOW" / tested.name)
    study = min(top.glob("train/XR_HUMERUS/*/*_negative"))
    shutil.copytree(study, study.with_name(study.name.replace("negative", "positive")))
    min(top.glob("train/XR_HAND/*/*/*.png")).write_bytes(b"no image")
    (folder / "mura.toml").write_text(RECIPE)
    return folder, tested.name


@pytest.fixture(scope="module")
def findings(faulty, cache_dir) -> pd.DataFrame:
    """What `indomain data check` writes about it."""
    folder, _ = faulty
    status, _, err = run_in(folder, cache_dir, "data", "check", "mura", "--data-dir", folder / "data")
    assert status == 0, err
    return pd.read_csv(folder / "check-mura.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def finished_mura(faulty, cache_dir) -> Path:
    """The runs folder of the recipe where leaks are dropped."""
    folder, _ = faulty
    asked = ("run", "mura.toml", "--data-dir", folder / "data", "--set", "drop_leaks=true")
    status, _, err = run_in(folder, cache_dir, *asked)
    assert status == 0, err
    return folder / "runs"


def test_planted_faults_are_found(findings):
    kinds = findings["kind"].value_counts()
    assert kinds["unreadable"] == 1 and kinds["study of two labels"] == 1
    assert kinds["exact duplicate"] >= 2 and kinds["contradicting labels"] >= 1


def test_a_patient_in_train_and_valid_is_named(findings, faulty):
    overlap = findings[findings["kind"] == "patient overlap"]
    assert overlap["detail"].str.contains(faulty[1]).any()


def test_phantoms_are_not_taken_for_muras_own_images(findings):
    assert (findings["kind"] == "count").sum() == 4  # train and test of two labels, over all parts


def test_a_tested_patient_in_another_part_stops_the_strict_run(faulty, cache_dir):
    folder, patient = faulty
    status, _, err = run_in(folder, cache_dir, "run", "mura.toml", "--data-dir", folder / "data")
    assert status == 2 and "same patient" in err and patient in err


def test_a_tested_patients_other_images_are_not_learnt_from(finished_mura, faulty):
    splits = [pd.read_csv(path, dtype=str) for path in finished_mura.glob("work/split-*/split.csv")]
    source = next(table for table in splits if table["file"].str.contains("XR_ELBOW").any())
    of_patient = source[source["patient"] == faulty[1]]
    assert len(of_patient) and set(of_patient["split"]) == {"dropped"}
    assert not source["file"].str.contains("XR_WRIST|XR_HUMERUS").any()


def test_studies_are_counted_by_each_rule(finished_mura):
    table = pd.read_csv(finished_mura / "mura/table.csv")
    assert set(table["level"]) == {"image", "study, mean", "study, max"}


PRINTED = {"humerus": ((124, 16, 129, 19), (87.85, 87.63, 75.69)), "wrist": ((227, 68, 337, 27), (85.58, 82.70, 70.46))}


@pytest.mark.parametrize("part", PRINTED)
def test_the_table_prints_the_papers_digits(part):
    (hit, missed, right, false), printed = PRINTED[part]
    y = np.repeat([1, 1, 0, 0], [hit, missed, right, false])
    said = np.repeat([1, 0, 0, 1], [hit, missed, right, false])
    info = split_info(name=part, set=f"mura/{part}", classes=["normal", "abnormal"], positive="abnormal")
    names = np.arange(len(y)).astype(str)
    run = Run(0, 0, y, np.eye(2)[said] * 0.8 + 0.1, names, names)
    arm = ArmResults(
        RowKey("paper", part, "all labels", "n", Method(rule="concat", networks=7), "imagenet"), info, runs=[run]
    )
    options = {"metrics": ["accuracy", "f1", "kappa"], "compare_with": "imagenet", "test_metrics": []}
    table = finished(score_rows([arm], report_input(options, infos={f"paper/{part}": info})), margin=0.02)
    assert [round(100 * value, 2) for value in table["mean"]] == list(printed)


def planned(recipe: str, data: Path, cache_dir: Path, runs: Path):
    """The study of a shipped recipe with one seed, small, and its tasks."""
    title, loaded, base = load_recipe(recipe, ["size=80", "seeds=[0]"])
    study = Study(title, loaded, base, RunsFolder(runs), data, cache_dir, quiet=True)
    return study, make_plan(study)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory) -> Path:
    """A data folder with phantoms in MURA's layout."""
    data = tmp_path_factory.mktemp("phantoms") / "data"
    phantom.write_mura(data, patients=24, size=(32, 32))
    return data


@pytest.fixture(scope="module", params=["humerus", "wrist"])
def alammar(request, phantoms, cache_dir, tmp_path_factory):
    """One of the recipes of alammar2023: the target's name, the study, and its tasks."""
    return request.param, *planned(f"alammar2023/{request.param}", phantoms, cache_dir, tmp_path_factory.mktemp("runs"))


def test_seven_networks_are_fitted_as_four_chains_each_at_its_own_size(alammar):
    part, _, tasks = alammar
    fitted = [task for task in find(tasks, "finetune", profile="strict", target=part) if task.tags.chain != BASELINE]
    assert len({task.tags.backbone for task in fitted}) == 7 and len(fitted) == 28
    assert {task.params["backbone"]["size"] for task in fitted} == {224, 299}


def test_nine_rules_meet_ten_classifiers_and_four_fuse_heads(alammar):
    part, _, tasks = alammar
    methods = {task.tags.method for task in find(tasks, "fusion", None, profile="strict", target=part)} - {None}
    assert len({method for method in methods if method.networks == 7}) == 9 * 10 + 4


def test_the_papers_profile_takes_the_last_epoch_and_augments_nothing(alammar):
    part, _, tasks = alammar
    options = find(tasks, "finetune", profile="paper", target=part)[0].params["options"]
    assert options["select"] == "last" and options["augment"] == "none"


def test_the_papers_profile_uses_the_official_images_and_holds_nothing_out(alammar):
    part, study, _ = alammar
    assert set(study.target(part, "paper").table()["split"]) == {"train", "test"}


def test_networks_learn_the_marker_and_are_tested_without_it(alammar):
    part, _, tasks = alammar
    tested = find(tasks, "explain", "robustness", target=f"marked-{part}")
    assert {task.tags.chain for task in tested} == {"imagenet", "imagenet-in-domain"}
    assert all(task.params["confounder"] == {"share": 0.9, "seed": 0} for task in tested)


def test_a_tuned_classifier_on_all_networks_is_explained_in_every_chain_for_both_classes(alammar):
    part, _, tasks = alammar
    measured = find(tasks, "explain", "measure", profile="strict", target=part)
    fused = [task.tags for task in measured if str(task.tags.method) == "fusion: logistic-regression, tuned"]
    assert len(fused) == 8 and {tags.explained for tags in fused} == {"true", "predicted"}
    assert {tags.chain for tags in fused} == {"random", "imagenet", "in-domain", "imagenet-in-domain"}


@pytest.fixture(scope="module")
def ct(tmp_path_factory, cache_dir) -> Study:
    """The study of alammar2023/ct on a few images in the sets' layouts."""
    top = tmp_path_factory.mktemp("ct")
    lines = ["image,label,patient"]
    for number in range(120):
        label = ("CT_COVID", "CT_NonCOVID")[number % 2]
        lines.append(f"{label}/{number}.png,{label},p{number // 4 * 2 + number % 2}")
    names = [f"covid_ct/{line.split(',')[0]}" for line in lines[1:]]
    words = (("COVID", "Covid"), ("non-COVID", "Non-Covid"))
    names += [f"sarscov2_ct/{folder}/{word} ({n}).png" for folder, word in words for n in range(12)]
    for number, name in enumerate(names):
        save(top / "data" / name, image(number, (24, 24)))
    (top / "data/covid_ct/patients.csv").write_text("\n".join(lines))
    return planned("alammar2023/ct", top / "data", cache_dir, top / "runs")[0]


def test_the_ct_recipe_splits_by_patient_without_leaks(ct):
    assert ct.target("by-patient", "strict").info.leaks == {}


def test_the_ct_recipe_splits_by_slice_and_keeps_what_leaks(ct):
    info = ct.target("by-slice", "strict").info
    assert info.leaks["same patient"] > 0 and info.dropped == 0


def test_both_targets_of_the_ct_recipe_hold_the_same_images(ct):
    by_patient, by_slice = (ct.target(target, "strict") for target in ("by-patient", "by-slice"))
    assert by_patient.info.rows == by_slice.info.rows and by_patient.digest != by_slice.digest
    assert all((split.every_fold()["split"] != "dropped").all() for split in (by_patient, by_slice))
