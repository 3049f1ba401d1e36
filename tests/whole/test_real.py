"""Real images, small budgets: the shipped mini recipes, a user's own folder, and what the audit finds in public sets."""

import pandas as pd
import pytest

pytestmark = pytest.mark.real
QUICK = ["explain.images=0", "finetune.epochs=1", "pretrain.simclr.epochs=1", "pretrain.supervised.epochs=1"]
QUICK += ['profiles=["strict"]', 'backbones=["squeezenet"]', "size=32", "seeds=[0]", "report.samples=200"]


def settings(*more):
    return [word for value in (*QUICK, *more) for word in ("--set", value)]


PRETEXTS = ("rotation", "pseudo-labels", "source-labels", "autoencoder", "masked")


@pytest.mark.parametrize(
    ("recipe", "more"),
    [
        ("mini/skin", ["targets.ph2.split.folds=2"]),
        (
            "mini/foot",
            [
                "targets.other-wounds.split.folds=2",
                "targets.pressure-wounds.split.folds=2",
                'targets.pressure-wounds.chains=["random"]',
            ],
        ),
        (
            "mini/histology",
            ['targets.glas.chains=["random", "colon-simclr"]'],
        ),  # fewer folds would leave a class one patient to learn from
        ("mini/pretexts", ["targets.ph2.split.folds=2", *(f"pretrain.{name}.epochs=1" for name in PRETEXTS)]),
        ("mini/labels", ["targets.ph2.split.folds=2", 'targets.ph2.chains=["random", "imagenet"]']),
        (
            "mini/ct",
            [
                "targets.by-patient.split.folds=2",
                "targets.by-slice.split.folds=2",
                'targets.by-slice.chains=["random"]',
            ],
        ),
    ],
)
def test_a_mini_recipe_runs_on_real_images_and_only_once(indomain, data_dir, here, recipe, more):
    command = ["run", recipe, "--data-dir", data_dir, *settings(*more)]
    status, out, err = indomain(*command)
    assert status == 0, err
    folder = here / "runs" / recipe
    table = pd.read_csv(folder / "table.csv")
    assert (table.dropna(subset="mean")["data"] == "stand-in").all()
    folds = 4 if recipe == "mini/histology" else 2
    assert table["ci_low"].notna().any() and (table["n_runs"].dropna() == folds).all()
    assert table["minus_reported"].isna().all()  # stand-ins are nobody's data
    if recipe == "mini/foot":
        assert set(table["target"]) == {"other-wounds", "pressure-wounds"}
        f1 = table[(table["chain"] == "double") & (table["metric"] == "f1") & (table["target"] == "other-wounds")]
        assert (f1["reported"] == 0.9925).all() and f1["reported_source"].str.contains("abstract").all()
    if recipe == "mini/pretexts":
        assert {"simclr", *PRETEXTS} <= set(table["chain"])
    if recipe == "mini/labels":
        assert table["budget"].nunique() == 5 and (folder / "labels-ph2.png").is_file()
    status, out, err = indomain(*command)
    assert status == 0 and "Everything was done already" in out


def test_a_users_own_folder_from_manifest_to_table(indomain, data_dir, here):
    status, out, _ = indomain("data", "new", data_dir / "trees" / "ph2")
    assert status == 0 and "melanoma (40)" in out and "No patients are named" in out
    status, out, _ = indomain("data", "check", "ph2.toml")
    assert status == 0 and "200 images" in out and (here / "check-ph2.csv").is_file()
    assert indomain("data", "new", data_dir / "trees" / "ph2")[0] == 2  # nothing is overwritten
    (here / "mine.toml").write_text(
        'title = "Mine"\nsize = 32\nbackbones = ["squeezenet"]\n[targets.ph2]\nset = "ph2.toml"\n'
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
    import shutil

    from PIL import Image

    for name in ("melanoma", "common_nevus"):
        for number, path in enumerate(sorted((data_dir / "trees" / "ph2" / name).glob("*.jpg"))[:12]):
            place = here / "given" / ("test" if number < 4 else "train") / name / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
            if number == 0:
                with Image.open(path) as picture:
                    smaller = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
                (here / "given/train" / name).mkdir(parents=True, exist_ok=True)
                smaller.save(here / "given/train" / name / f"again_{path.name}", quality=60)
    assert indomain("data", "new", "given")[0] == 0
    (here / "mine.toml").write_text(
        'title = "Mine"\nsize = 64\nbackbones = ["squeezenet"]\n[targets.t]\nset = "given.toml"\n'
        'split = { scheme = "official" }\n[chains]\nimagenet = ["imagenet"]\n'
    )
    status, _, err = indomain("run", "mine.toml")
    assert status == 2 and "2 leaks" in err and "near duplicate" in err and "again_" in err


def test_several_classes_in_colour_without_a_positive_one(indomain, data_dir, here):
    (here / "wounds.toml").write_text(
        'title = "Wounds"\nsize = 32\nbackbones = ["squeezenet", { name = "dcnn-light", width = 0.125 }]\nprofiles = ["strict", "paper"]\n'
        '[targets.wounds]\nset = "azh_wounds_64"\nfractions = [0.5, 1.0]\n'
        'classes = { foot = ["diabetic"], leg = ["venous"], bed = ["pressure"], cut = ["surgical"] }\n'
        '[chains]\nrandom = ["random"]\nimagenet = ["imagenet"]\n[finetune]\nepochs = 1\n'
        '[fusion]\nclassifiers = ["lda"]\nlayers = { squeezenet = "fire5_concat" }\n[explain]\nimages = 2\nsamples = 50\n'
        '[report]\nmetrics = ["balanced_accuracy", "auroc", "f1_macro", "sensitivity"]\nsamples = 200\n'
    )
    status, _, err = indomain("run", "wounds.toml", "--data-dir", data_dir)
    assert status == 0, err
    table = pd.read_csv(here / "runs/wounds/table.csv")
    assert set(table["profile"]) == {"strict", "paper"} and set(table["budget"].dropna()) == {
        "50 % of labels",
        "all labels",
    }
    assert table.loc[table["metric"] == "sensitivity", "mean"].isna().all()  # there is no positive class
    assert table.loc[(table["metric"] == "auroc") & table["budget"].notna(), "mean"].between(0, 1).all()
