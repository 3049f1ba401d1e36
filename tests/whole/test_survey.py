"""Shipped recipes without their data: valid tables; and the survey's comparisons on a few images in the sets' own layouts."""

import importlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import finetune.run
import fusion.run
from indomain.recipe.plan import make_plan
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from indomain.runs.task import find
from pretrain.plan import options_model
from report.reported import load
from tests.indomain.data.made import image, save

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


SMALL = sorted(name for name in NAMES if name.startswith("mini/") and name[-4:].isdigit())


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> RunsFolder:
    """Splits are drawn once for all recipes."""
    return RunsFolder(tmp_path_factory.mktemp("survey"))


@pytest.mark.real
@pytest.mark.parametrize("name", SMALL)
def test_a_comparison_in_small_finds_its_images_classes_and_layers(name, runs, data_dir, cache_dir):
    title, recipe, base = load_recipe(name, ["size=32", "seeds=[0]"])
    tasks = make_plan(Study(title, recipe, base, runs, data_dir, cache_dir, quiet=True))
    finetune.run.check(find(tasks, "finetune"))
    fusion.run.check([task for task in tasks if task.stage == "fusion"])
    assert find(tasks, "finetune") and tasks[-1].stage == "report"


def test_all_thirteen_comparisons_are_there_in_small():
    assert len(SMALL) == 13
