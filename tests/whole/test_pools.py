"""Sets joined into one, pictures cut into patches, tables that belong together, and whether a copy is the published one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain.data import readers
from indomain.data.dataset import open_dataset
from indomain.data.images import patches
from indomain.data.manifest import PatchOptions, load_manifest
from indomain.data.pool import join_sets
from indomain.data.preparing import prepare
from indomain.errors import RequestError


def jpeg(path: Path, seed: int, size=(40, 30)) -> None:
    """A picture of its own: coarse noise, saved as the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(path)


def manifest_of(text: str, path: Path):
    path.write_text(text)
    return load_manifest(str(path))[0]


def folder_set(here, cache_dir, name, classes, count=4, more="", size=(16, 16)):
    for number, label in enumerate(classes):
        for image in range(count):
            seed = 1000 * sum(map(ord, name)) + 10 * number + image
            jpeg(here / "data" / name / label / f"{image}.png", seed)
    text = f'name = "{name}"\ntitle = "{name}"\n[read]\nreader = "folder"\nroot = "{name}"\n{more}'
    manifest = manifest_of(text, here / f"{name}.toml")
    return prepare(manifest, here / "data", cache_dir, size, quiet=True)


def test_a_pool_is_its_sets_one_after_the_other(here, cache_dir):
    first = folder_set(here, cache_dir, "first", ["x", "y"])
    second = folder_set(here, cache_dir, "second", ["y", "z"], more='[images]\nchannels = "grey"\n')
    pool = join_sets([(first, ""), (second, "")], "sources.pool")
    dataset = open_dataset(pool, labelled=False)
    assert len(dataset) == 16 and dataset.name == "first+second" and list(dataset.index["row"]) == list(range(16))
    assert set(dataset.index["origin"]) == {"first", "second"} and dataset.index["id"].is_unique
    rows = np.array([15, 0, 8, 3])
    shown = dataset.pictures(rows, 3)
    one, two = open_dataset(first, labelled=False), open_dataset(second, labelled=False)
    assert np.array_equal(shown[[1, 3]], one.pictures(np.array([0, 3]), 3))
    assert np.array_equal(shown[[0, 2]], two.pictures(np.array([7, 0]), 3))
    labelled = open_dataset(pool)
    assert labelled.class_names == ("x", "y", "z") and labelled.counts()["all"] == {"x": 4, "y": 8, "z": 4}
    with pytest.raises(RequestError, match="'first' is joined with itself"):
        join_sets([(first, ""), (first, "")], "sources.pool")


def test_a_joined_source_runs_and_its_leaks_are_found(indomain, here, cache_dir):
    folder_set(here, cache_dir, "target", ["x", "y"], 10)
    folder_set(here, cache_dir, "other", ["a", "b"], 8)
    (here / "data/leaky/a").mkdir(parents=True)
    for number, path in enumerate(sorted((here / "data/target/x").iterdir())):
        Image.open(path).save(here / f"data/leaky/a/{number}.png")
    (here / "leaky.toml").write_text('name = "leaky"\ntitle = "t"\n[read]\nreader = "folder"\nroot = "leaky"\n')
    (here / "pool.toml").write_text(
        'title = "Pool"\nsize = 16\nbackbones = [{ name = "dcnn-light", width = 0.125 }]\n'
        '[targets.t]\nset = "target.toml"\nsplit = { test = 0.4 }\n'
        '[sources.pool]\nset = ["other.toml", "leaky.toml"]\n'
        '[chains]\nrandom = ["random"]\norigins = ["random", "pool:source-labels"]\n'
        '[pretrain]\nprobe = "t"\n[pretrain.source-labels]\nepochs = 2\n[finetune]\nepochs = 1\n[report]\nsamples = 100\n'
    )
    status, _, err = indomain("run", "pool.toml", "--data-dir", here / "data")
    assert status == 2 and "leaks between training and test images" in err and "leaky" in err
    status, out, err = indomain("run", "pool.toml", "--data-dir", here / "data", "--set", "drop_leaks=true")
    assert status == 0, err
    assert "4 × exact duplicate; 4 training images removed" in out
    log = pd.read_csv(next((here / "runs/work").glob("pretrain-*/log.csv")))
    assert log["probe_knn"].between(0, 1).all() and "accuracy" in log
    alone = ["--set", "sources.pool.set=other.toml"]
    (here / "data/other/a/keep.png").write_bytes((here / "data/other/a/0.png").read_bytes())
    status, out, _ = indomain("run", "pool.toml", "--data-dir", here / "data", *alone)
    assert status == 2, "class folders say the labels again"
    status, _, err = indomain(
        "run", "pool.toml", "--data-dir", here / "data", *alone, "--set", 'sources.pool.where={label=["a"]}'
    )
    assert status == 2 and "has one only, or folders that are its classes" in err


def test_a_picture_is_cut_from_edge_to_edge():
    picture = np.arange(70 * 100, dtype=np.uint32).reshape(70, 100).astype(np.uint8)
    found = {place: part for place, part, _ in patches.cut(picture, None, PatchOptions(size=40))}
    assert list(found) == ["0,0", "0,40", "0,60", "30,0", "30,40", "30,60"]
    assert np.array_equal(found["30,60"], picture[30:70, 60:100])
    exact = list(patches.cut(np.zeros((1536, 2048), np.uint8), None, PatchOptions(size=512)))
    assert len(exact) == 12 and all(part.shape == (512, 512) for _, part, _ in exact)
    assert len(list(patches.cut(np.zeros((1536, 2048), np.uint8), None, PatchOptions(size=512, stride=256)))) == 35
    assert [place for place, *_ in patches.cut(np.zeros((30, 20), np.uint8), None, PatchOptions(size=40))] == ["0,0"]
    half = np.full((40, 80), 255, np.uint8)
    half[:, :40] = 100
    assert [place for place, *_ in patches.cut(half, None, PatchOptions(size=40, blank=0.5))] == ["0,0"]
    white = np.full((40, 80), 255, np.uint8)
    assert len(list(patches.cut(white, None, PatchOptions(size=40, blank=0.5)))) == 1


def test_patches_stay_on_the_side_of_their_image(indomain, here, cache_dir):
    for label in ("benign", "malignant"):
        for number in range(10):
            jpeg(here / "data/slides" / label / f"{number}.png", number + 100 * (label == "benign"), (64, 48))
    (here / "slides.toml").write_text(
        'name = "slides"\ntitle = "Slides"\n[read]\nreader = "folder"\nroot = "slides"\n[patches]\nsize = 32\nstride = 16\n'
        '[labels]\nclasses = { benign = ["benign"], malignant = ["malignant"] }\npositive = "malignant"\n'
        "[counts.all.all]\nbenign = 10\nmalignant = 11\n"
    )
    (here / "cut.toml").write_text(
        'title = "Cut"\nsize = 16\nprofiles = ["strict", "paper"]\nbackbones = [{ name = "dcnn-light", width = 0.125 }]\n'
        'drop_leaks = true\n[targets.slides]\nset = "slides.toml"\nsplit = { scheme = "kfold", folds = 2 }\n'
        'paper_split = { scheme = "holdout", test = 0.2 }\n'
        '[chains]\nrandom = ["random"]\n[finetune]\nepochs = 1\n[finetune.paper]\nbatch = 8\n[fusion]\nclassifiers = ["lda"]\n'
        '[report]\nsamples = 100\nlevels = ["image", "patch"]\nrule = "majority"\nmetrics = ["accuracy"]\n'
    )
    status, out, err = indomain("run", "cut.toml", "--data-dir", here / "data")
    assert status == 0, err
    assert "all: malignant: 10 images, the manifest expects 11" in out and "majority of its patches" in out
    predictions = pd.read_csv(here / "runs/cut/predictions.csv")
    shown = predictions[(predictions["profile"] == "strict") & (predictions["split"] == "test")]
    assert shown["image"].nunique() == 20 and len(shown[shown["method"] == "full"]) == 20 * 6
    for _, part in predictions[predictions["method"] == "full"].groupby(["profile", "fold"]):
        assert (part.groupby("image")["split"].nunique() == 1).all()
    table = pd.read_csv(here / "runs/cut/table.csv").set_index(["profile", "method", "level"])
    assert table.loc[("strict", "full", "image"), "n_images"] == 20
    assert table.loc[("strict", "full", "patch"), "n_images"] == 120
    assert table.loc[("paper", "features: lda", "image"), "n_images"] == 4
    # By hand: the majority of an image's patches.
    votes = shown[shown["method"] == "full"].assign(vote=lambda t: (t["score_malignant"] > 0.5).astype(float))
    share = votes.groupby(["fold", "image"])["vote"].mean()
    mean = votes.groupby(["fold", "image"])["score_malignant"].mean()
    said = np.where(share == 0.5, mean > 0.5, share > 0.5)
    truth = votes.groupby(["fold", "image"])["label"].first() == "malignant"
    by_fold = pd.Series(said == truth, truth.index).groupby("fold").mean()
    assert table.loc[("strict", "full", "image"), "mean"] == pytest.approx(by_fold.mean(), abs=1e-5)
    status, _, err = indomain("run", "cut.toml", "--data-dir", here / "data", "--set", 'report.levels=["patient"]')
    assert status == 2 and "knows what belongs to one patient" in err


def test_tables_without_names_and_tables_that_belong_together(here, cache_dir):
    for name in ("i1", "i2", "i3"):
        jpeg(here / "data/set/pictures" / f"{name}.jpg", int(name[1]))
    (here / "data/set/plain.csv").write_text("i1,benign\ni2,malignant\ni3,benign\n")
    (here / "data/set/lesions.csv").write_text("image,lesion\ni1,007\ni2,8\n")
    base = 'name = "set"\ntitle = "t"\n[read]\nreader = "csv"\nroot = "set"\nlabel = "label"\npatient = "lesion"\n'
    base += '[[read.tables]]\nfile = "plain.csv"\nimages = "pictures/{image}.jpg"\n'
    text = base + 'columns = ["image", "label"]\njoin = "lesions.csv"\n'
    found = readers.read(manifest_of(text, here / "set.toml"), here / "data", (16, 16))
    assert [(record.label, record.patient) for record in found] == [
        ("benign", "007"),
        ("malignant", "8"),
        ("benign", ""),
    ]
    (here / "data/set/lesions.csv").write_text("image,lesion\ni1,007\ni1,8\n")
    with pytest.raises(RequestError, match="lesions.csv: the picture 'i1' stands in two lines"):
        readers.read(manifest_of(text, here / "set.toml"), here / "data", (16, 16))
    with pytest.raises(RequestError, match="the table gone.csv is not there"):
        readers.read(manifest_of(text.replace("lesions.csv", "gone.csv"), here / "set.toml"), here / "data", (16, 16))


TREES = {
    "isic2016": (
        {
            "isic2016/ISBI2016_ISIC_Part3_Training_GroundTruth.csv": "ISIC_1,benign\nISIC_2,malignant\n",
            "isic2016/ISBI2016_ISIC_Part3_Test_GroundTruth.csv": "ISIC_3,0.0\nISIC_4,1.0\n",
        },
        [f"isic2016/ISBI2016_ISIC_Part3_Training_Data/ISIC_{n}.jpg" for n in (1, 2)]
        + [f"isic2016/ISBI2016_ISIC_Part3_Test_Data/ISIC_{n}.jpg" for n in (3, 4)],
        ["train malignant ", "test malignant "],
    ),
    "isic2018": (
        {
            "isic2018/ISIC2018_Task3_Training_GroundTruth.csv": "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\n"
            + "".join(f"I{n}," + ",".join("1.0" if k == n else "0.0" for k in range(7)) + "\n" for n in range(7)),
            "isic2018/ISIC2018_Task3_Training_LesionGroupings.csv": "image,lesion_id,diagnosis_confirm_type\n"
            + "".join(f"I{n},HAM_{n // 2},histopathology\n" for n in range(7)),
        },
        [f"isic2018/ISIC2018_Task3_Training_Input/I{n}.jpg" for n in range(7)],
        [" melanoma HAM_0", " nevus HAM_0", " bcc HAM_1"],
    ),
    "isic2019": (
        {
            "isic2019/ISIC_2019_Training_GroundTruth.csv": "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK\n"
            + "".join(f"I{n}," + ",".join("1.0" if k == n else "0.0" for k in range(9)) + "\n" for n in range(8)),
            "isic2019/ISIC_2019_Training_Metadata.csv": "image,age_approx,anatom_site_general,lesion_id,sex\n"
            + "".join(f"I{n},55,torso,BCN_{n // 2},male\n" for n in range(8)),
        },
        [f"isic2019/ISIC_2019_Training_Input/I{n}.jpg" for n in range(8)],
        [" melanoma BCN_0", " scc BCN_3"],
    ),
    "isic2020": (
        {
            "isic2020/ISIC_2020_Training_GroundTruth.csv": "image_name,patient_id,sex,benign_malignant,target\n"
            "I1,IP_1,male,benign,0\nI2,IP_1,male,malignant,1\n"
        },
        ["isic2020/train/I1.jpg", "isic2020/train/I2.jpg"],
        [" benign IP_1", " malignant IP_1"],
    ),
    "mednode": (
        {},
        ["complete_mednode_dataset/melanoma/1.jpg", "complete_mednode_dataset/naevus/2.jpg"],
        [" melanoma ", " naevus "],
    ),
    "breakhis": (
        {},
        [
            "BreaKHis_v1/histology_slides/breast/benign/SOB/adenosis/SOB_B_A_14-22549AB/100X/SOB_B_A-14-22549AB-100-001.png",
            "BreaKHis_v1/histology_slides/breast/malignant/SOB/ductal_carcinoma/SOB_M_DC_14-2523/40X/SOB_M_DC-14-2523-40-012.png",
        ],
        [" benign 14-22549AB", " malignant 14-2523"],
    ),
    "bach_patches": (
        {},
        [
            f"ICIAR2018_BACH_Challenge/Photos/{name}/{name[:2].lower()}001.tif"
            for name in ("Benign", "InSitu", "Invasive", "Normal")
        ],
        [" benign ", " in-situ ", " invasive ", " normal "],
    ),
    "dfuc_folders": ({}, [f"DFUC/{name}/1.jpg" for name in ("none", "infection", "ischaemia", "both")], [" both "]),
}


@pytest.mark.parametrize("name", sorted(TREES))
def test_a_shipped_manifest_reads_its_sets_own_layout(name, here, cache_dir, indomain):
    tables, pictures, expected = TREES[name]
    for number, path in enumerate(pictures):
        jpeg(here / "data" / path, number, (600, 520) if name == "bach_patches" else (40, 30))
    for path, text in tables.items():
        (here / "data" / path).write_text(text)
    manifest, _ = load_manifest(name)
    dataset = open_dataset(prepare(manifest, here / "data", cache_dir, (16, 16), quiet=True))
    classes = [dataset.class_names[y] for y in dataset.index["y"]]
    said = {" ".join(words) for words in zip(dataset.index["split"], classes, dataset.index["patient"])}
    assert set(expected) <= said, said
    if name == "bach_patches":
        assert len(dataset) == 4 * 4 and dataset.index["image"].nunique() == 4
    # Such a partial copy is told from the published one.
    status, out, _ = indomain("data", "check", name, "--data-dir", here / "data", "--size", "16")
    assert status == 0 and "the manifest expects" in out


def test_counts_of_shipped_manifests_add_up_to_the_published_totals():
    published = {
        "isic2016": 1279, "isic2017": 2000, "isic2018": 10015, "isic2019": 25331, "isic2020": 33126, "ham10000": 10015,
        "ph2": 200, "mednode": 170, "breakhis": 7909, "bach": 400, "bach_patches": 400, "dfu_kaggle": 1055,
        "dfuc_folders": 5955,
    }  # fmt: skip
    for name, total in published.items():
        manifest, _ = load_manifest(name)
        counts = manifest.expected_counts()
        assert sum(sum(classes.values()) for classes in counts.values()) == total, name
        assert manifest.licence and manifest.citation and manifest.get, name


def papers_data(here: Path) -> None:
    """A few pictures in the layout of every set that recipes/alzubaidi2021 read."""
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
        jpeg(here / name, int(rng.integers(2**31)))
    for name, text in tables.items():
        (here / name).write_text(text)


@pytest.mark.parametrize("name", ["skin", "breast", "foot"])
def test_the_papers_recipes_plan_and_their_profiles_differ_where_documented(name, here, cache_dir, monkeypatch):
    from indomain.recipe.recipe import load_recipe
    from indomain.recipe.study import Plan, make_plan
    from indomain.runs.folder import RunsFolder

    papers_data(here / "data")
    title, recipe, base = load_recipe(f"alzubaidi2021/{name}", ["size=32"])
    runs = RunsFolder(here / "runs")
    plan = make_plan(Plan(title, recipe, base, runs, here / "data", cache_dir, quiet=True))
    fitted = {profile: plan.find("finetune", profile=profile) for profile in ("strict", "paper")}
    strict, paper = (fitted[profile][0].params["options"] for profile in ("strict", "paper"))
    given = {"epochs": 100, "batch": 8, "optimizer": "sgd", "learning_rate": 1e-3, "momentum": 0.9, "head_rate": 10}
    given |= {"frozen": 0, "augment": "none", "class_weights": "none", "select": "last"}
    assert {key: paper[key] for key in given} == given
    assert {key for key in paper if key not in given} == {"dropout"} and paper["dropout"] == strict["dropout"]
    pretrained = plan.find("pretrain", profile="paper", objective="simclr")[0].params["options"]
    learnt = {"epochs": 100, "batch": 64, "optimizer": "sgd", "learning_rate": 1e-3, "momentum": 0.9}
    assert {key: pretrained[key] for key in learnt} == learnt
    assert {task.labels["seed"] for task in fitted["paper"]} == {0} and {t.labels["fold"] for t in fitted["paper"]} == {
        0
    }
    assert len({task.labels["seed"] for task in fitted["strict"]}) == 5
    listing = plan.target(name, "paper").table()
    assert set(listing["split"]) == {"train", "test"}
    assert listing.groupby("split")["image"].nunique()["test"] == round(0.2 * listing["image"].nunique())
    assert set(plan.target(name, "strict").table()["split"]) >= {"train", "val", "test"}
    backbones = {task.labels["backbone"] for task in plan.find("finetune", chain="imagenet")}
    assert backbones == {"squeezenet", "resnet50", "xception", "vgg16", "inceptionv3"}
    assert {task.labels["budget"] for task in fitted["strict"]} == {
        "5 % of labels", "10 % of labels", "25 % of labels", "50 % of labels", "all labels"
    }  # fmt: skip
    if name == "foot":
        assert {"double", "double-reversed", "double-unrelated", "skin", "scratch"} <= set(recipe.chains)


def test_patches_of_a_picture_stay_together_even_ungrouped(here, cache_dir):
    from indomain.data import folds, leakage
    from indomain.data.options import SplitOptions

    cut = folder_set(here, cache_dir, "cut", ["a", "b"], 9, more="[patches]\nsize = 20\n")
    dataset = open_dataset(cut)
    assert len(dataset) == 18 * 4
    table = folds.make(dataset, SplitOptions(scheme="kfold", folds=3, grouped=False, validated=False))
    image = dataset.index.set_index("id")["image"]
    for _, part in table.groupby("fold"):
        assert (part.groupby(part["id"].map(image))["split"].nunique() == 1).all()
    # And should a split cut one apart, the audit sees it.
    torn = table[table["fold"] == 0].copy()
    torn["split"] = ["test", "train", "train", "train"] * 18
    assert (leakage.leaks(dataset, torn)["kind"] == "same picture").sum() == 54


def test_a_whole_picture_and_its_patches_are_the_same_file(here, cache_dir):
    from indomain.data import leakage

    whole = folder_set(here, cache_dir, "whole", ["a", "b"], 5)
    text = (here / "whole.toml").read_text().replace('name = "whole"', 'name = "cut2"') + "[patches]\nsize = 20\n"
    cut = prepare(manifest_of(text, here / "cut2.toml"), here / "data", cache_dir, (16, 16), quiet=True)
    source, target = open_dataset(whole, labelled=False), open_dataset(cut)
    tested = set(target.index.loc[target.index["label"] == "a", "id"])
    found = leakage.leaks_between(source, target, tested)
    assert (found["kind"] == "same file").sum() == 5


def test_sets_that_share_numbers_share_patients(here, cache_dir):
    from indomain.data import leakage

    pattern = 'pattern = "{label}/{patient:[0-9]}.png"\n'
    first = folder_set(here, cache_dir, "one", ["a", "b"], 4, more=pattern)
    text = (here / "one.toml").read_text()
    folder_set(here, cache_dir, "two", ["a", "b"], 4)
    text = text.replace('"one"', '"two"')
    both = []
    for extra in ("", 'patients_of = "one"\n'):
        other = manifest_of(extra + text, here / "two.toml")
        second = prepare(other, here / "data", cache_dir, (16, 16), quiet=True)
        source, target = (open_dataset(item, labelled=False) for item in (second, first))
        both.append(leakage.leaks_between(source, target, set(target.index["id"])))
    assert both[0].empty and (both[1]["kind"] == "same patient").sum() == 4


def test_a_word_that_matches_nothing_is_refused(here, cache_dir):
    one = folder_set(here, cache_dir, "few", ["a", "b"], 3)
    with pytest.raises(RequestError, match="few: where: unknown label 'c'"):
        open_dataset(one, where={"label": ["!c"]})
    other = folder_set(here, cache_dir, "more", ["a", "b"], 3, more='pattern = "{label}/{patient:[0-9]}.png"\n')
    pool = join_sets([(one, ""), (other, "")], "sources.pool")
    assert len(open_dataset(pool, where={"patient": ["!2"]}, labelled=False)) == 10


def test_a_pools_classes_are_all_of_its_parts(here, cache_dir):
    named = folder_set(
        here, cache_dir, "named", ["x", "y"], 3, more='[labels]\nclasses = { bad = ["x"], good = ["y"] }\n'
    )
    plain = folder_set(here, cache_dir, "plain", ["p", "q"], 3)
    pool = join_sets([(named, ""), (plain, "")], "sources.pool")
    assert open_dataset(pool).counts()["all"] == {"bad": 3, "good": 3, "p": 3, "q": 3}
    other = folder_set(
        here, cache_dir, "contrary", ["x", "y"], 3, more='[labels]\nclasses = { good = ["x"], bad = ["y"] }\n'
    )
    torn = join_sets([(named, ""), (other, "")], "sources.pool")
    with pytest.raises(RequestError, match="stands in two classes"):
        open_dataset(torn)
    assert len(open_dataset(torn, labelled=False)) == 12
