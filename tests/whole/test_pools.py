"""Whole recipes on pools of sets and on patches, and the plans of the papers' recipes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.task import find
from tests.indomain.data.made import image, save
from tests.whole.in_folder import run_in

DCNN = 'backbones = [{ name = "dcnn-light", width = 0.125 }]\n'
POOL = f"""
title = "Pool"
size = 16
{DCNN}
[targets.t]
set = "target.toml"
split = {{ test = 0.4 }}
[sources.pool]
set = ["other.toml", "leaky.toml"]
[baseline]
backbones = []
[chains]
random = ["random"]
origins = ["random", "pool:source-labels"]
[pretrain]
probe = "t"
[pretrain.source-labels]
epochs = 2
[finetune]
epochs = 1
[report]
"""


def write_set(here: Path, name: str, labels: str, count: int, seed: int, more: str = "", size=(30, 40)) -> None:
    """A folder of images in classes, and its manifest."""
    for number, label in enumerate(labels.split()):
        for one in range(count):
            save(here / "data" / name / label / f"{one}.png", image(seed + 100 * number + one, size, 3))
    text = f'name = "{name}"\ntitle = "{name}"\n[read]\nreader = "folder"\nroot = "{name}"\n{more}'
    (here / f"{name}.toml").write_text(text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a target, another set, and one that holds the target's images of class x."""
    here = tmp_path_factory.mktemp("pools")
    write_set(here, "target", "x y", 10, 1000)
    write_set(here, "other", "a b", 8, 2000)
    write_set(here, "leaky", "a", 0, 0)
    for number, path in enumerate(sorted((here / "data/target/x").iterdir())):
        (here / "data/leaky/a").mkdir(parents=True, exist_ok=True)
        (here / f"data/leaky/a/{number}.png").write_bytes(path.read_bytes())
    (here / "pool.toml").write_text(POOL)
    return here


@pytest.fixture
def pool(folder, cache_dir):
    """Runs the recipe of the pool with some settings."""

    def run(*settings: str) -> tuple[int, str, str]:
        return run_in(
            folder,
            cache_dir,
            "run",
            "pool.toml",
            "--data-dir",
            folder / "data",
            *(w for s in settings for w in ("--set", s)),
        )

    return run


@pytest.fixture(scope="module")
def finished_pool(folder, cache_dir) -> tuple[Path, str]:
    """Its results where leaks are dropped: the runs folder, and what was printed."""
    status, out, err = run_in(
        folder, cache_dir, "run", "pool.toml", "--data-dir", folder / "data", "--set", "drop_leaks=true"
    )
    assert status == 0, err
    return folder / "runs", out


def test_a_pool_that_holds_test_images_is_refused_and_the_set_is_named(pool):
    status, _, err = pool()
    assert status == 2 and "leaks between training and test images" in err and "leaky" in err


def test_a_pools_leaks_are_removed_and_the_report_says_so(finished_pool):
    assert "4 × exact duplicate; 4 training images removed" in finished_pool[1]


def test_a_probe_is_logged_beside_the_loss(finished_pool):
    log = pd.read_csv(next((finished_pool[0] / "work").glob("pretrain-*/log.csv")))
    assert len(log) == 2 and log["probe_knn"].between(0, 1).all() and "accuracy" in log


@pytest.mark.parametrize("more", [[], ['sources.pool.where={label=["a"]}']])
def test_origins_that_are_the_classes_or_one_alone_teach_nothing(pool, more):
    status, _, err = pool("drop_leaks=true", 'sources.pool.set="other.toml"', *more)
    assert (
        status == 2
        and "which set or folder an image came from" in err
        and "has only one, or folders that are its" in err
    )


SLIDES = """[patches]
size = 32
stride = 16
[labels]
classes = { benign = ["benign"], malignant = ["malignant"] }
positive = "malignant"
[counts.all.all]
benign = 10
malignant = 11
"""
CUT = f"""
title = "Cut"
size = 16
profiles = ["strict", "paper"]
{DCNN}
drop_leaks = true
[targets.slides]
set = "slides.toml"
split = {{ scheme = "kfold", folds = 2 }}
paper_split = {{ scheme = "holdout", test = 0.2 }}
[baseline]
backbones = []
[chains]
random = ["random"]
[finetune]
epochs = 1
[finetune.paper]
batch = 8
[fusion]
classifiers = ["lda"]
[report]
levels = ["image", "patch"]
rule = "majority"
metrics = ["accuracy"]
"""


@pytest.fixture(scope="module")
def cut(tmp_path_factory, cache_dir) -> tuple[Path, str]:
    """A recipe on slides that are cut into six patches each: its folder, and what was printed."""
    here = tmp_path_factory.mktemp("cut")
    write_set(here, "slides", "benign malignant", 10, 3000, SLIDES, (48, 64))
    (here / "cut.toml").write_text(CUT)
    status, out, err = run_in(here, cache_dir, "run", "cut.toml", "--data-dir", here / "data")
    assert status == 0, err
    return here, out


@pytest.fixture(scope="module")
def predictions(cut) -> pd.DataFrame:
    """Those of the fine-tuned networks."""
    found = pd.read_csv(cut[0] / "runs/cut/predictions.csv")
    return found[found["method"] == "full"]


@pytest.fixture(scope="module")
def table(cut) -> pd.DataFrame:
    return pd.read_csv(cut[0] / "runs/cut/table.csv").set_index(["profile", "method", "level"])


def test_a_partial_copy_is_said_in_the_report(cut):
    assert "all: malignant: 10 images, the manifest expects 11" in cut[1]


def test_patches_stay_on_the_side_of_their_image(predictions):
    for _, part in predictions.groupby(["profile", "fold"]):
        assert (part.groupby("image")["split"].nunique() == 1).all()


def test_every_patch_of_every_image_is_tested_once(predictions):
    tested = predictions[(predictions["profile"] == "strict") & (predictions["split"] == "test")]
    assert tested["image"].nunique() == 20 and len(tested) == tested["id"].nunique() == 20 * 6


def test_the_table_counts_images_and_patches_apart(table):
    assert table.loc[("strict", "full", "image"), "n_images"] == 20
    assert table.loc[("strict", "full", "patch"), "n_images"] == 120
    assert table.loc[("paper", "features: lda", "image"), "n_images"] == 4


def test_an_image_is_what_the_majority_of_its_patches_says(predictions, table, cut):
    tested = predictions[(predictions["profile"] == "strict") & (predictions["split"] == "test")]
    votes = tested.assign(vote=(tested["score_malignant"] > 0.5).astype(float)).groupby(["fold", "image"])
    share, mean = votes["vote"].mean(), votes["score_malignant"].mean()
    said = np.where(share == 0.5, mean > 0.5, share > 0.5)
    truth = votes["label"].first() == "malignant"
    by_fold = pd.Series(said == truth, truth.index).groupby("fold").mean()
    assert table.loc[("strict", "full", "image"), "mean"] == pytest.approx(by_fold.mean(), abs=1e-5)
    assert "majority of its patches" in cut[1]


def test_a_level_that_no_target_knows_is_refused(cut, cache_dir):
    here = cut[0]
    status, _, err = run_in(
        here, cache_dir, "run", "cut.toml", "--data-dir", here / "data", "--set", 'report.levels=["patient"]'
    )
    assert status == 2 and "knows what belongs to one patient" in err


def papers_data(data: Path) -> None:
    """A few images in the layout of every set that recipes/alzubaidi2021 read."""
    rng = np.random.default_rng(5)
    head = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\n"
    tables = {
        "isic2017/ISIC-2017_Training_Part3_GroundTruth.csv": "image_id,melanoma,seborrheic_keratosis\n"
        + "".join(f"S{n},{n % 2}.0,{1 - n % 2 if n < 40 else 0}.0\n" for n in range(120)),
        "isic2019/ISIC_2019_Training_GroundTruth.csv": head + "".join(f"N{n},0,1,0,0,0,0,0,0,0\n" for n in range(8)),
        "isic2019/ISIC_2019_Training_Metadata.csv": "image,lesion_id\n" + "".join(f"N{n},B{n}\n" for n in range(8)),
        "isic2020/ISIC_2020_Training_GroundTruth.csv": "image_name,patient_id,benign_malignant\n"
        + "".join(f"T{n},P{n},benign\n" for n in range(8)),
        "ham10000/HAM10000_metadata.csv": "lesion_id,image_id,dx\n"
        + "".join(f"L{n},H{n},{dx}\n" for n, dx in enumerate(["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"] * 3)),
    }
    names = [f"isic2017/ISIC-2017_Training_Data/S{n}.jpg" for n in range(120)]
    names += [f"isic2019/ISIC_2019_Training_Input/N{n}.jpg" for n in range(8)]
    names += [f"isic2020/train/T{n}.jpg" for n in range(8)] + [f"ham10000/images/H{n}.jpg" for n in range(21)]
    names += [f"complete_mednode_dataset/{c}/{n}.jpg" for c in ("melanoma", "naevus") for n in range(3)]
    names += [
        f"BreaKHis_v1/histology_slides/breast/{c}/SOB/x/y/40X/SOB_{c[0].upper()}_A-14-{n}AB-40-00{n}.png"
        for c in ("benign", "malignant")
        for n in range(1, 6)
    ]
    names += [
        f"ICIAR2018_BACH_Challenge/Photos/{c}/{n}.tif"
        for c in ("Normal", "Benign", "InSitu", "Invasive")
        for n in range(50)
    ]
    names += [f"DFU/Patches/{c}/{n}.jpg" for c in ("Normal(Healthy skin)", "Abnormal(Ulcer)") for n in range(60)]
    for name in names:
        save(data / name, image(int(rng.integers(2**31)), (30, 40), 3))
    for name, text in tables.items():
        (data / name).write_text(text)


@pytest.fixture(scope="module")
def papers(tmp_path_factory) -> Path:
    """A data folder for the recipes of alzubaidi2021."""
    data = tmp_path_factory.mktemp("papers") / "data"
    papers_data(data)
    return data


@pytest.fixture(scope="module", params=["skin", "breast", "foot"])
def planned(request, papers, cache_dir, tmp_path_factory):
    """One of the recipes of alzubaidi2021: the target's name, the study, and its tasks."""
    title, recipe, base = load_recipe(f"alzubaidi2021/{request.param}", ["size=32"])
    runs = RunsFolder(tmp_path_factory.mktemp("planned"))
    study = Study(title, recipe, base, runs, papers, cache_dir, quiet=True)
    return request.param, study, make_plan(study)


def fitted(planned, profile: str) -> list:
    return find(planned[2], "finetune", profile=profile)


def test_the_papers_profile_trains_as_the_paper_did(planned):
    strict, paper = (fitted(planned, profile)[0].params["options"] for profile in ("strict", "paper"))
    given = {
        "epochs": 100,
        "batch": 8,
        "optimizer": "sgd",
        "learning_rate": 1e-3,
        "momentum": 0.9,
        "head_lr_factor": 10,
    }
    given |= {"frozen": 0, "augment": "none", "class_weights": "none", "select": "last"}
    assert {key: paper[key] for key in given} == given
    # Of what the paper does not mention, nothing is done; weight decay is AdamW's alone.
    given |= {"schedule": "constant", "warmup": 0, "clip": 0, "patience": 0}
    assert {key: paper[key] for key in given} == given
    # The layer graph of the authors has dropout, and their toolbox draws the weights of a new layer.
    given |= {"dropout": 0.5, "head_init": "glorot"}
    assert {key: paper[key] for key in given} == given
    assert {key for key in paper if key not in given} == {"weight_decay"}
    assert (strict["dropout"], strict["head_init"], strict["head_lr_factor"]) == (0, "zeros", 1)


def test_the_papers_profile_pretrains_as_the_paper_did(planned):
    pretrained = find(planned[2], "pretrain", profile="paper", objective="simclr")[0].params["options"]
    learnt = {"epochs": 100, "batch": 64, "optimizer": "sgd", "learning_rate": 1e-3, "momentum": 0.9}
    assert {key: pretrained[key] for key in learnt} == learnt


def test_the_papers_profile_runs_once_and_the_strict_one_with_five_seeds(planned):
    assert {(task.tags.seed, task.tags.fold) for task in fitted(planned, "paper")} == {(0, 0)}
    assert len({task.tags.seed for task in fitted(planned, "strict")}) == 5


def test_the_papers_profile_holds_a_fifth_of_the_images_out_and_nothing_to_choose_on(planned):
    name, study, _ = planned
    table = study.target(name, "paper").table()
    assert set(table["split"]) == {"train", "test"}
    assert table.groupby("split")["image"].nunique()["test"] == round(0.2 * table["image"].nunique())


def test_the_strict_profile_holds_images_out_to_choose_on(planned):
    name, study, _ = planned
    assert set(study.target(name, "strict").table()["split"]) >= {"train", "val", "test"}


def test_the_papers_opponents_start_from_imagenet(planned):
    opponents = {task.tags.backbone for task in find(planned[2], "finetune", chain="imagenet")}
    assert opponents == {"squeezenet", "resnet50", "xception", "vgg16", "inceptionv3"}


def test_five_label_budgets_are_run(planned):
    budgets = {task.tags.budget for task in fitted(planned, "strict")}
    assert budgets == {"5 % of labels", "10 % of labels", "25 % of labels", "50 % of labels", "all labels"}


def test_the_foot_is_reached_by_two_steps_in_either_order_and_from_unrelated_images():
    _, recipe, _ = load_recipe("alzubaidi2021/foot")
    assert {"double", "double-reversed", "double-unrelated", "skin", "scratch"} <= set(recipe.chains)
