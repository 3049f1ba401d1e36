"""Shipped recipes without their data: valid tables; and the survey's comparisons on a few images in the sets' own layouts."""

import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

import finetune.run
import fusion.run
import pretrain.run
from indomain.data import readers
from indomain.data.manifest import load_manifest
from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.task import find
from pretrain.plan import options_model
from report.reported import load
from tests.indomain.data.made import image, save
from tests.indomain.data.readers.test_mat import write as write_mat

RECIPES = Path(__file__).parents[2] / "recipes"
NAMES = sorted(
    str(path.relative_to(RECIPES).with_suffix("")) for path in RECIPES.rglob("*.toml") if path.name != "reported.toml"
)
OPTIONS = {
    "finetune": "finetune.plan:Options",
    "fusion": "fusion.options:Options",
    "explain": "explain.options:Options",
    "transferability": "transferability.options:Options",
    "report": "report.options:Options",
}


@pytest.mark.parametrize("name", NAMES)
def test_every_table_of_a_shipped_recipe_is_valid(name, tmp_path, cache_dir):
    title, recipe, base = load_recipe(name)
    study = Study(title, recipe, base, RunsFolder(tmp_path), Path("none"), cache_dir, quiet=True)
    for profile in recipe.profiles:
        study.options("pretrain", options_model(), profile)
        for stage, where in OPTIONS.items():
            module, _, model = where.partition(":")
            study.options(stage, getattr(importlib.import_module(module), model), profile)
    if recipe.report.get("registry"):
        assert load(base / recipe.report["registry"])


def menegola_data(data: Path) -> None:
    """A few images of ISIC 2016 and of Kaggle's retinopathy, both eyes of each patient."""
    train, test = "ISBI2016_ISIC_Part3_Training", "ISBI2016_ISIC_Part3_Test"
    words, numbers = ("benign", "malignant"), ("0.0", "1.0")
    tables = {
        f"isic2016/{train}_GroundTruth.csv": [f"ISIC_{n},{words[n % 3 == 0]}" for n in range(60)],
        f"isic2016/{test}_GroundTruth.csv": [f"ISIC_{n},{numbers[n % 3 == 0]}" for n in range(60, 90)],
        "diabetic-retinopathy/trainLabels.csv": ["image,level"]
        + [f"{n}_{side},{n % 5}" for n in range(20) for side in ("left", "right")],
    }
    names = [f"isic2016/{train if n < 60 else test}_Data/ISIC_{n}.jpg" for n in range(90)]
    names += [f"diabetic-retinopathy/train/{n}_{side}.jpeg" for n in range(20) for side in ("left", "right")]
    rng = np.random.default_rng(3)
    for name in names:
        save(data / name, image(int(rng.integers(2**31)), (70, 90), 3))
    for name, lines in tables.items():
        (data / name).write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def menegola(tmp_path_factory, cache_dir) -> list:
    """The tasks of cheplygina2018/menegola2017."""
    folder = tmp_path_factory.mktemp("menegola")
    menegola_data(folder / "data")
    name, recipe, base = load_recipe("cheplygina2018/menegola2017", ["size=64"])
    return make_plan(Study(name, recipe, base, RunsFolder(folder / "runs"), folder / "data", cache_dir, quiet=True))


def test_menegolas_six_arms_are_planned_over_five_times_two_folds(menegola):
    fitted = [task for task in find(menegola, "finetune", profile="paper") if task.kind != "features"]
    arms = Counter((task.tags.chain, str(task.tags.method)) for task in fitted if task.tags.backbone == "vgg16")
    paper = {
        "A": ("random", "full"),
        "B": ("retinopathy", "off-the-shelf"),
        "C": ("retinopathy", "full"),
        "D": ("imagenet", "off-the-shelf"),
        "E": ("imagenet", "full"),
        "F": ("imagenet-retinopathy", "full"),
    }
    assert {arm: arms[where] for arm, where in paper.items()} == dict.fromkeys(paper, 10)
    assert {task.tags.chain for task in fitted if task.tags.backbone == "vgg-m"} == {"random", "retinopathy"}


def test_menegolas_settings_are_the_papers_and_retinopathy_has_five_grades(menegola):
    options = find(menegola, "finetune", profile="paper", chain="imagenet")[0].params["options"]
    stated = {"epochs": 80, "batch": 48, "optimizer": "sgd", "learning_rate": 1e-3, "momentum": 0.1, "select": "last"}
    assert {key: options[key] for key in stated} == stated
    strict = [task for task in find(menegola, "finetune", profile="strict") if "candidates" in task.params]
    assert strict and all(len(task.params["candidates"]) == 3 for task in strict)
    svm = find(menegola, "fusion", "classify", profile="paper")
    assert {task.params["classifier"] for task in svm} == {"linear-svm"} and all("grid" in task.params for task in svm)


def test_its_numbers_say_which_set_they_are_of_as_far_as_is_known():
    numbers = load(RECIPES / "cheplygina2018/reported.toml")
    assert {number.value for name, number in numbers.items() if name.startswith("menegola")} == {0.807, 0.845}
    assert {name for name, number in numbers.items() if number.mark != "V"} == {
        "cha2017",
        "zhang2017",
        "schlegl2014",
        "ribeiro2017",
        "christodoulidis2017",
    }


# Of sets in class folders: numbers of classes that are not two, and the subsets that recipes read.
CLASSES = {
    "ltrc_patches": 5,
    "carotid_patches": 3,
    "ild_slices": 6,
    "colonic_polyps": 3,
    "ild_patches": 7,
    "cardiac_views": 9,
}
SUBSETS = {
    "lymph_nodes": ["mediastinal", "abdominal"],
    "colon_endoscopy": [str(number) for number in range(1, 9)],
    "cytomine_tasks": [
        *("CellInclusion", "ProliferativePattern", "Glomeruli", "Necrosis"),
        *("Breast", "MouseLba", "Lung", "HumanLba"),
    ],
}
# Public sets: some names in their own layout.
PUBLIC = {
    "alot": [f"png4/{n}/{n}_c{camera}l{light}.png" for n in (1, 2) for camera in range(1, 7) for light in (1, 2)],
    "dtd": [f"dtd/images/{name}/{name}_000{n}.jpg" for name in ("banded", "dotted") for n in range(8)],
    "fmd": [f"FMD/image/{name}/{name}_object_00{n}_new.jpg" for name in ("fabric", "water") for n in range(8)],
    "kylberg": [
        f"Kylberg/{name}/{name}-{letter}-p00{n}.png"
        for name in ("blanket1", "sand1")
        for letter in "abcd"
        for n in (1, 2)
    ],
    "kth_tips2b": [
        f"KTH-TIPS2-b/{name}/sample_{letter}/22{letter}-scale_2_im_{n}_col.png"
        for name in ("cork", "wood")
        for letter in "abcd"
        for n in (1, 2)
    ],
    "uiuc_textures": [
        f"uiuc_textures/{name}/{name[:3]}_0{n}.jpg" for name in ("T01_bark1", "T25_plaid") for n in range(8)
    ],
    "kth_tips": [
        f"KTH_TIPS/{name}/4-scale_{scale}_im_{n}_col.png"
        for name in ("cotton", "linen")
        for scale in range(2, 8)
        for n in (1, 2)
    ],
    "caltech101": [
        f"101_ObjectCategories/{name}/image_000{n}.jpg" for name in ("accordion", "yin_yang") for n in range(8)
    ],
    "corel1000": [f"image.orig/{100 * hundred + n}.jpg" for hundred in range(10) for n in range(8)],
}
# Sets of TensorFlow Datasets: side and channels of their images, version, labels, what they have besides.
TFDS = {
    "cifar10": ("Cifar10", 32, "3.0.2", "id", {"train": 1, "test": 1}),
    "stl10": ("Stl10", 96, "1.0.0", "", {"train": 1, "test": 1, "unlabelled": 0}),
    "imagenet2012": ("Imagenet2012", 64, "5.1.0", "file_name", {"train": 1, "validation": 1, "test": 0}),
    "places365_small": ("Places365Small", 64, "2.1.0", "filename", {"train": 1, "validation": 1, "test": 0}),
}
ELSEWHERE = (
    "cheplygina2018/menegola2017",
    "peng2022/ham10000",
)  # the one has a test of its own, the other set is tested with its reader
FULL = sorted(
    name
    for name in NAMES
    if name.startswith(("cheplygina2018/", "deepak2019/", "horry2020/", "li2018/", "peng2022/", "xu2019/", "yao2022/"))
    and name not in ELSEWHERE
)


def in_class_folders(name: str) -> list[str]:
    """Names of a few images of a set that is not public, in the layout that its manifest states to be ours."""
    pattern = str(load_manifest(name)[0].read.pattern)
    labels = [f"class{number}" for number in range(CLASSES.get(name, 2))] if "{label}" in pattern else ["all"]
    splits = ["train", "val", "test"] if "{split}" in pattern else [""]
    return [
        "/".join(word for word in (name, subset, split, label, f"{split}{label}p{patient}_{view}.png") if word)
        for subset in SUBSETS.get(name, [""])
        for split in splits
        for label in labels
        for patient in range(7)
        for view in range(3)
    ]


def write_covid_ct(data: Path) -> None:
    """Three slices of each of sixteen patients, listed as the manifest of COVID-CT asks for it."""
    lines = ["image,label,patient"]
    for patient in range(16):
        label = ("CT_COVID", "CT_NonCOVID")[patient % 2]
        for view in range(3):
            name = f"{label}/{patient}_{view}.png"
            save(data / "covid_ct" / name, image(7000 + 3 * patient + view, (40, 50)))
            lines.append(f"{name},{label},{patient}")
    (data / "covid_ct" / "patients.csv").write_text("\n".join(lines) + "\n")


def made_by_tfds(dataset: str, folder: Path) -> None:
    """Prepares a few images under the name, version and features of a set of TensorFlow Datasets."""
    import tensorflow_datasets as tfds

    title, side, version, text, splits = TFDS[dataset]
    features = {
        "image": tfds.features.Image(shape=(side, side, 3)),
        "label": tfds.features.ClassLabel(names=["class0", "class1"]),
        **({text: tfds.features.Text()} if text else {}),
    }

    def examples(self, start: int, labelled: int):
        for number in range(40):
            example = {"image": image(start + number, (side, side), 3), "label": number % 2 if labelled else -1}
            yield number, {**example, **({text: f"{start + number}"} if text else {})}

    def generators(self, manager):
        return {
            name: examples(self, 1000 * place, known) for place, (name, known) in enumerate(splits.items(), start=100)
        }

    def info(self):
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    methods = {"VERSION": tfds.core.Version(version), "_info": info, "_split_generators": generators}
    methods["_generate_examples"] = examples
    with tfds.core.registered.skip_registration():
        made = type(title, (tfds.core.GeneratorBasedBuilder,), {**methods, "__module__": __name__})
    made(data_dir=folder / "tensorflow_datasets", file_format="array_record").download_and_prepare()


def test_imagenet_is_read_without_the_images_that_have_no_labels(tmp_path):
    made_by_tfds("imagenet2012", tmp_path)
    records = readers.read(load_manifest("imagenet2012")[0], tmp_path, (32, 32))
    assert Counter(record.split for record in records) == {"train": 40, "val": 40}
    assert len({record.label for record in records}) == 2


@pytest.mark.parametrize("name", FULL)
def test_a_comparison_is_planned_on_a_few_images_in_its_sets_layouts(name, tmp_path, cache_dir, monkeypatch):
    # What makes images makes them with sides that are powers of two.
    settings = ["size=128" if name.startswith(("xu2019/", "yao2022/")) else "size=96", "seeds=[0]"]
    title, recipe, base = load_recipe(name, settings)
    sets: set[str] = set()
    for part in (*recipe.targets.values(), *recipe.sources.values()):
        sets |= {reference.partition("/")[0] for reference in part.sets}
    # Of the few images that are made here fewer can be drawn.
    settings += [
        f"sources.{source}.draw={{ images = 16{', classes = 2' if options.draw.classes else ''} }}"
        for source, options in recipe.sources.items()
        if options.draw
    ]
    settings += [
        f"targets.{target}.fractions=[0.5, 1.0]" for target, one in recipe.targets.items() if len(one.fractions) > 1
    ]
    number = 0
    for known in sorted(sets):
        read = load_manifest(known)[0].read
        if read.reader == "tfds":
            made_by_tfds(read.dataset, tmp_path / "data")
            continue
        if read.reader == "mat":
            for place, label in enumerate((1, 2, 3) * 14):
                picture, path = image(5000 + place, (40, 50)), tmp_path / f"data/{known}/{place + 1}.mat"
                write_mat(path, label, f"p{place // 3 % 7}{label}", picture)
            savemat(tmp_path / f"data/{known}/cvind.mat", {"cvind": np.arange(42) // 3 % 7 % 5 + 1})
            continue
        if known == "covid_ct":
            write_covid_ct(tmp_path / "data")
            continue
        if known == "inbreast":
            names = [(place, f"{place}_{place:02x}_MG_L_CC_ANON") for place in range(42)]
            rows = "".join(f"{place};CC;{('1', '2', '4a', '4b', '4c', '5', '6')[place % 7]}\n" for place, _ in names)
            for place, file in names:
                save(tmp_path / f"data/INbreast/AllDICOMs/{file}.dcm", image(9000 + place, (40, 50)))
            (tmp_path / "data/INbreast/INbreast.csv").write_text(f"File Name;View;Bi-Rads\n{rows}")
            continue
        for path in PUBLIC.get(known) or in_class_folders(known):
            number += 1
            save(tmp_path / "data" / path, image(number, (40, 50), 3))
    title, recipe, base = load_recipe(name, settings)
    study = Study(title, recipe, base, RunsFolder(tmp_path / "runs"), tmp_path / "data", cache_dir, quiet=True)
    tasks = make_plan(study)
    # Layers exist; weights are had where the recipe is run.
    monkeypatch.setattr("indomain.networks.weights.check_starts", lambda starts: list(starts))
    for stage, module in (("pretrain", pretrain.run), ("finetune", finetune.run), ("fusion", fusion.run)):
        module.check([task for task in tasks if task.stage == stage])
    assert {task.tags.target for task in find(tasks, "finetune")} == set(recipe.targets)
    assert {task.tags.chain for task in find(tasks, "finetune")} >= set(recipe.chains) and tasks[-1].stage == "report"


def test_all_thirteen_comparisons_are_there():
    assert len([name for name in FULL if name.startswith("cheplygina2018/")]) + 1 == 13


SMALL = sorted(name for name in NAMES if name.startswith("mini/") and name[-4:].isdigit())


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> RunsFolder:
    """Splits are drawn once for all recipes."""
    return RunsFolder(tmp_path_factory.mktemp("survey"))


# They take more than a minute each.
SLOW = ("mini/ribeiro2017", "mini/wong2018")


@pytest.mark.real
@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.weekly] * (name in SLOW)) for name in SMALL])
def test_a_comparison_in_small_finds_its_images_classes_and_layers(name, runs, data_dir, cache_dir):
    targets = load_recipe(name)[1].targets.items()
    less = [f"targets.{key}.split.repeats=1" for key, one in targets if one.split.repeats > 1 and one.split.folds > 2]
    less += [f"targets.{key}.draw.images=160" for key, one in targets if one.draw]
    title, recipe, base = load_recipe(name, ["size=32", "seeds=[0]", *less])
    tasks = make_plan(Study(title, recipe, base, runs, data_dir, cache_dir, quiet=True))
    finetune.run.check(find(tasks, "finetune"))
    fusion.run.check([task for task in tasks if task.stage == "fusion"])
    assert find(tasks, "finetune") and tasks[-1].stage == "report"


def test_all_thirteen_comparisons_are_there_in_small():
    others = ("peng2022", "deepak2019", "horry2020", "li2018", "fridadar2018", "xu2019", "yao2022")
    assert len([name for name in SMALL if name.removeprefix("mini/") not in others]) == 13
