"""Real images, small budgets: the shipped mini recipes, a user's own folder, and what the audit finds in public sets."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from tests.whole.in_folder import run_in
from tests.whole.small import settings

pytestmark = pytest.mark.real
QUICK = ["explain.images=0", "finetune.epochs=1", "pretrain.simclr.epochs=1", "pretrain.supervised.epochs=1"]
# The baseline has tests of its own; frozen networks of 224 pixels would take most of the time here.
QUICK += ["baseline.backbones=[]", "fusion.groups={}", "finetune.tune={}"]
QUICK += ['profiles=["strict"]', 'backbones=["squeezenet"]', "size=32", "seeds=[0]"]
PRETEXTS = ("rotation", "pseudo-labels", "source-labels", "autoencoder", "masked")


@pytest.fixture
def mini(indomain, data_dir, here):
    """Runs a shipped mini recipe on real images with a small budget; returns its table, and that it is done once."""

    def run(recipe: str, folds: int, *more: str) -> tuple[Path, pd.DataFrame]:
        command = ["run", recipe, "--data-dir", data_dir, *settings(*QUICK, *more)]
        status, _, err = indomain(*command)
        assert status == 0, err
        table = pd.read_csv(here / "runs" / recipe / "table.csv")
        assert table["ci_low"].notna().any() and (table["n_runs"].dropna() == folds).all()
        # Stand-ins are nobody's data.
        assert (table.dropna(subset="mean")["data"] == "stand-in").all() and table["minus_reported"].isna().all()
        status, out, _ = indomain(*command)
        assert status == 0 and "Everything was done already" in out
        return here / "runs" / recipe, table

    return run


def test_skin_learns_from_dermoscopies_with_and_without_labels(mini):
    chains = (
        'chains={random=["random"], isic-simclr=["random", "isic:simclr"], isic-labels=["random", "isic:supervised"]}'
    )
    _, table = mini("mini/skin", 2, "targets.ph2.split.folds=2", chains)
    assert set(table["chain"]) == {"random", "isic-simclr", "isic-labels"}
    given = table[(table["chain"] == "isic-simclr") & (table["metric"] == "f1")]
    assert (given["reported"] == 0.9853).all()


def test_histology_keeps_patients_apart_in_colour(mini):
    # Fewer folds would leave a class one patient to learn from.
    _, table = mini("mini/histology", 5, 'targets.glas.chains=["random", "colon-simclr"]')
    assert table["n_patients"].max() == 11


def test_ct_is_split_by_patient_and_slice_by_slice(mini):
    folds = ["targets.by-patient.split.folds=2", "targets.by-slice.split.folds=2"]
    few = ['targets.by-patient.chains=["random", "in-domain"]', 'targets.by-slice.chains=["random"]']
    folder, table = mini("mini/ct", 2, *folds, *few, 'fusion.classifiers=["knn"]')
    assert set(table["target"]) == {"by-patient", "by-slice"}
    assert "same patient" in (folder / "summary.txt").read_text(encoding="utf-8")


@pytest.mark.weekly
def test_feet_stand_beside_the_papers_numbers(mini):
    folds = ["targets.other-wounds.split.folds=2", "targets.pressure-wounds.split.folds=2"]
    _, table = mini("mini/foot", 2, *folds, 'targets.pressure-wounds.chains=["random"]')
    assert set(table["target"]) == {"other-wounds", "pressure-wounds"}
    f1 = table[(table["chain"] == "double") & (table["metric"] == "f1") & (table["target"] == "other-wounds")]
    assert (f1["reported"] == 0.9925).all() and f1["reported_source"].str.contains("abstract").all()


@pytest.mark.weekly
def test_every_pretext_learns_from_real_images(mini):
    epochs = [f"pretrain.{name}.epochs=1" for name in PRETEXTS]
    _, table = mini("mini/pretexts", 2, "targets.ph2.split.folds=2", *epochs)
    assert {"simclr", *PRETEXTS} <= set(table["chain"])


@pytest.mark.weekly
def test_knees_are_told_apart_by_the_joint_or_by_a_marker(mini):
    chains = 'chains={random=["random"], knees=["random", "knees:simclr"]}'
    backbones = 'backbones=["squeezenet", { name = "dcnn-light", width = 0.25, chains = ["random"] }]'
    few = ['targets.marked-knee.chains=["random"]', "targets.knee.shots=[25]", "targets.marked-knee.shots=[25]"]
    folder, table = mini("mini/knee", 1, chains, backbones, *few, "explain.measure=2", "explain.samples=50")
    assert set(table["target"]) == {"knee", "marked-knee"} and list(folder.glob("robustness-mark*-*.png"))


@pytest.mark.weekly
def test_every_label_budget_is_a_point_of_the_curve(mini):
    chains = 'targets.ph2.chains=["random", "imagenet"]'
    folder, table = mini("mini/labels", 2, "targets.ph2.split.folds=2", chains)
    assert table["budget"].nunique() == 5 and (folder / "labels-ph2.png").is_file()


def test_a_users_own_folder_from_manifest_to_table(indomain, data_dir, here):
    status, out, _ = indomain("data", "new", data_dir / "trees" / "ph2")
    assert status == 0 and "melanoma (40)" in out and "No patients are named" in out
    status, out, _ = indomain("data", "check", "ph2.toml")
    assert status == 0 and "200 images" in out and (here / "check-ph2.csv").is_file()
    assert indomain("data", "new", data_dir / "trees" / "ph2")[0] == 2  # nothing is overwritten
    (here / "mine.toml").write_text(
        'title = "Mine"\nsize = 32\ndrop_leaks = true\nbackbones = ["squeezenet"]\n[targets.ph2]\nset = "ph2.toml"\n'
        '[chains]\nrandom = ["random"]\nimagenet = ["imagenet"]\n[finetune]\nstrategies = ["off-the-shelf"]\n'
    )
    status, _, err = indomain("run", "mine.toml")
    assert status == 0, err
    table = pd.read_csv(here / "runs/mine/table.csv").set_index(["chain", "metric"])
    assert table.loc[("imagenet", "auroc"), "mean"] > 0.6 and (table["n_images"] == 40).all()


def test_the_audit_finds_what_is_known_of_public_sets(indomain, data_dir):
    _, out, _ = indomain("data", "check", "isic2017_64", "--data-dir", data_dir)
    assert "exact duplicate: 1" in out and "near duplicate" in out and "split overlap" in out
    assert "count:" not in out
    _, out, _ = indomain("data", "check", "glas_tiles_64", "--data-dir", data_dir)
    assert "906 images, 16 patients" in out and "patient overlap" in out


def test_every_set_that_is_here_is_complete(indomain, data_dir):
    for name in (
        "ph2_64",
        "azh_wounds_64",
        "covid_ct_64",
        "sarscov2_ct_64",
        "knee_kl_64",
        "pneumoniamnist",
        "dtd10_64",
    ):
        status, out, err = indomain("data", "prepare", name, "--data-dir", data_dir, "--size", "32")
        assert status == 0 and " 0 unreadable" in out, err


def test_a_copy_saved_again_as_jpeg_is_a_leak(indomain, data_dir, here):
    for name in ("melanoma", "common_nevus"):
        for number, path in enumerate(sorted((data_dir / "trees" / "ph2" / name).glob("*.jpg"))[:12]):
            place = here / "given" / ("test" if number < 4 else "train") / name / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
            if number == 0:
                with Image.open(path) as image:
                    smaller = image.resize((image.width * 3 // 4, image.height * 3 // 4))
                (here / "given/train" / name).mkdir(parents=True, exist_ok=True)
                smaller.save(here / "given/train" / name / f"again_{path.name}", quality=60)
    assert indomain("data", "new", "given")[0] == 0
    (here / "mine.toml").write_text(
        'title = "Mine"\nsize = 64\nbackbones = ["squeezenet"]\n[targets.t]\nset = "given.toml"\n'
        'split = { scheme = "official" }\n[chains]\nimagenet = ["imagenet"]\n'
    )
    status, _, err = indomain("run", "mine.toml")
    assert status == 2 and "2 leaks" in err and "near duplicate" in err and "again_" in err


@pytest.fixture(scope="module")
def wounds(data_dir, cache_dir, tmp_path_factory) -> pd.DataFrame:
    """The table of four classes in colour, with half of the labels."""
    here = tmp_path_factory.mktemp("wounds")
    (here / "wounds.toml").write_text(
        'title = "Wounds"\nsize = 32\ndrop_leaks = true\nbackbones = ["squeezenet", { name = "dcnn-light", width = 0.125 }]\n'
        '[targets.wounds]\nset = "azh_wounds_64"\nfractions = [0.5]\n'
        'classes = { foot = ["diabetic"], leg = ["venous"], bed = ["pressure"], cut = ["surgical"] }\n'
        '[chains]\nrandom = ["random"]\nimagenet = ["imagenet"]\n[finetune]\nepochs = 1\n'
        '[fusion]\nclassifiers = ["lda"]\nlayers = { squeezenet = "fire5_concat" }\n[explain]\nimages = 2\nsamples = 50\n'
        '[report]\nmetrics = ["balanced_accuracy", "auroc", "f1_macro", "sensitivity"]\n'
    )
    status, _, err = run_in(here, cache_dir, "run", "wounds.toml", "--data-dir", data_dir)
    assert status == 0, err
    return pd.read_csv(here / "runs/wounds/table.csv").set_index("metric")


def test_without_a_positive_class_nothing_is_sensitive(wounds):
    assert wounds.loc["sensitivity", "mean"].isna().all()


def test_four_classes_have_one_area_under_their_curves(wounds):
    run = wounds.loc["auroc"].dropna(subset="budget")
    assert set(run["budget"]) == {"50 % of labels"} and run["mean"].between(0, 1).all()


def test_what_nobody_has_trained_on_imagenet_is_said(wounds):
    absent = wounds[wounds["budget"].isna()]
    assert set(zip(absent["backbone"], absent["chain"])) == {("dcnn-light-w0.125", "imagenet")}
    assert absent["note"].str.contains("no ImageNet weights exist").all()
