"""MURA: its own counts, pools, faults and versions, on phantoms written in its layout; the paper's printed digits."""

import shutil

import numpy as np
import pandas as pd
import pytest

from indomain.data import audit, readers
from indomain.data.dataset import _subset
from indomain.data.images import phantom
from indomain.data.manifest import load_manifest
from indomain.errors import RequestError

PARTS = ("elbow", "finger", "forearm", "hand", "humerus", "shoulder", "wrist")


def records_frame(found):
    frame = pd.DataFrame(
        [{key: getattr(one, key) for key in ("id", "label", "split", "part", "patient")} for one in found]
    )
    return frame.assign(whole="", file=frame["id"])


@pytest.fixture(scope="module")
def whole_mura(tmp_path_factory):
    """Every file of MURA v1.1 by name, two images a study, nothing in them."""
    top = tmp_path_factory.mktemp("mura")
    manifest, _ = load_manifest("mura")
    for part, splits in manifest.counts.items():
        for split, classes in splits.items():
            word = {"train": "train", "test": "valid"}[split]
            for label, count in classes.items():
                for number in range(count):
                    place = (
                        top
                        / f"MURA-v1.1/{word}/XR_{part.upper()}/patient{word}{number // 4:05}/study{1 + number // 2 % 2}_{label}"
                    )
                    if number % 2 == 0:
                        place.mkdir(parents=True)
                    (place / f"image{1 + number % 2}.png").touch()
    return top


def test_the_reader_finds_muras_own_counts(whole_mura):
    manifest, _ = load_manifest("mura")
    frame = records_frame(readers.read(manifest, whole_mura, (32, 32)))
    assert frame.groupby("split").size().to_dict() == {"train": 36_808, "test": 3_197}
    assert set(frame["part"]) == set(PARTS)
    assert audit._count_findings(manifest, "", frame) == []
    for subset, train, test in (
        ("humerus", 1272, 288),
        ("all-but-humerus", 35_536, 2_909),
        ("all-but-wrist", 27_056, 2_538),
        ("all-but-humerus+wrist", 25_784, 2_250),
        ("elbow+hand", 10_474, 925),
    ):
        chosen = frame[_subset(frame, "part", subset, "mura")]
        assert chosen.groupby("split").size().to_dict() == {"train": train, "test": test}
        expected = manifest.expected_counts(subset)
        assert (sum(expected["train"].values()), sum(expected["test"].values())) == (train, test)
        assert audit._count_findings(manifest, subset, chosen) == []
    # A partial download is recognised by its counts.
    found = audit._count_findings(manifest, "wrist", frame[frame["part"] == "wrist"].iloc[1:])
    assert len(found) == 1 and "the manifest expects" in found[0][3]


def test_another_version_is_named(tmp_path):
    manifest, _ = load_manifest("mura")
    (tmp_path / "MURA-v1.0").mkdir()
    with pytest.raises(RequestError, match=r"MURA-v1.0, which is another version: 40,895 images of 14,982 studies"):
        readers.read(manifest, tmp_path, (32, 32))


@pytest.fixture
def faulty(here):
    """A phantom in MURA's layout with a patient in train and valid, a study of two labels, a broken file, and duplicates."""
    phantom.write_mura(here / "data", patients=12, size=(48, 48))
    top = here / "data/MURA-v1.1"
    tested = next(path for path in sorted(top.glob("valid/XR_HUMERUS/*")))
    other = next(path for path in sorted(top.glob("train/XR_ELBOW/*")))
    # The patient who is tested on the humerus has elbow pictures among the source's.
    shutil.copytree(other, top / "train/XR_ELBOW" / tested.name)
    both = next(path for path in sorted(top.glob("train/XR_HUMERUS/*/*_negative")))
    shutil.copytree(both, both.with_name(both.name.replace("negative", "positive")))
    (next(iter(sorted(top.glob("train/XR_HAND/*/*/*.png"))))).write_bytes(b"no picture")
    return here / "data", tested.name


def test_planted_faults_are_found(faulty, indomain, here):
    data, patient = faulty
    status, out, err = indomain("data", "check", "mura", "--data-dir", data)
    assert status == 0, err
    found = pd.read_csv(here / "check-mura.csv", keep_default_na=False)
    kinds = found["kind"].value_counts()
    assert kinds["unreadable"] == 1 and kinds["study of two labels"] == 1 and kinds["exact duplicate"] >= 2
    assert kinds["contradicting labels"] >= 1 and kinds["count"] > 0
    overlap = found[found["kind"] == "patient overlap"]
    assert overlap["detail"].str.contains(patient).any()


def test_a_patient_of_several_parts_stands_on_one_side_in_strict(faulty, indomain, here):
    data, patient = faulty
    recipe = (
        'title = "MURA"\nsize = 32\nbackbones = ["squeezenet"]\n[targets.humerus]\nset = "mura/humerus"\n'
        'split = { scheme = "official", validation = 0.2 }\n[sources.others]\nset = "mura/all-but-humerus+wrist"\n'
        '[chains]\nin-domain = ["random", "others:supervised"]\n[finetune]\nepochs = 1\n[pretrain.supervised]\nepochs = 1\n'
        '[report]\nlevels = ["image", "study"]\nrule = ["mean", "max"]\nsamples = 100\n'
    )
    (here / "mura.toml").write_text(recipe)
    status, _, err = indomain("run", "mura.toml", "--data-dir", data)
    assert status == 2 and "same patient" in err
    (here / "mura.toml").write_text(recipe.replace("size = 32", "size = 32\ndrop_leaks = true"))
    status, _, err = indomain("run", "mura.toml", "--data-dir", data)
    assert status == 0, err
    splits = [pd.read_csv(path, dtype=str) for path in (here / "runs/work").glob("listing-*/split.csv")]
    source = next(table for table in splits if table["file"].str.contains("XR_ELBOW").any())
    assert not source["file"].str.contains("XR_WRIST").any()
    assert (source.loc[source["patient"] == patient, "split"] == "dropped").all()
    table = pd.read_csv(here / "runs/mura/table.csv")
    assert set(table["level"]) == {"image", "study, mean", "study, max"}


@pytest.mark.parametrize(
    ("part", "cells", "printed"),
    [("humerus", (124, 16, 129, 19), (87.85, 87.63, 75.69)), ("wrist", (227, 68, 337, 27), (85.58, 82.70, 70.46))],
)
def test_the_table_prints_the_papers_digits(part, cells, printed):
    from report import table
    from report.rows import Row, Run

    hit, missed, right, false = cells
    y = np.repeat([1, 1, 0, 0], [hit, missed, right, false])
    said = np.repeat([1, 0, 0, 1], [hit, missed, right, false])
    scores = np.eye(2)[said] * 0.8 + 0.1
    names = np.arange(len(y)).astype(str)
    facts = {
        "classes": ["normal", "abnormal"],
        "positive": "abnormal",
        "has_patients": False,
        "synthetic": False,
        "stand_in": False,
    }
    labels = {
        "profile": "paper",
        "target": part,
        "budget": "all labels",
        "backbone": "n",
        "method": "fusion",
        "chain": "c",
    }
    row = Row({**labels, "level": "image"}, facts)
    row.runs.append(Run(0, 0, y, scores, names, names, 100, len(y)))
    numbers = table.finished(table.lines([row], ["accuracy", "f1", "kappa"], [], "c", 100, 0, []))
    assert [round(100 * value, 2) for value in numbers["mean"]] == list(printed)


@pytest.mark.parametrize("part", ["humerus", "wrist"])
def test_the_papers_recipes_plan(part, here, cache_dir):
    from indomain.recipe.recipe import load_recipe
    from indomain.recipe.study import Plan, make_plan
    from indomain.runs.folder import RunsFolder

    phantom.write_mura(here / "data", patients=24, size=(32, 32))
    name, recipe, base = load_recipe(f"alammar2023/{part}", ["size=80", "seeds=[0]"])
    plan = make_plan(Plan(name, recipe, base, RunsFolder(here / "runs"), here / "data", cache_dir, quiet=True))
    fitted = plan.find("finetune", profile="strict", target=part)
    # Seven networks, each as four chains, each at the size that it was trained on.
    assert len({task.labels["backbone"] for task in fitted}) == 7 and len(fitted) == 28
    assert {task.params["backbone"]["size"] for task in fitted} == {224, 299}
    methods = {task.labels["method"] for task in plan.find("fusion", profile="strict", target=part)}
    assert sum(method.startswith("fusion") for method in methods) == 9 * 10 + 4
    paper = plan.find("finetune", profile="paper", target=part)[0].params
    assert paper["options"]["select"] == "last" and paper["options"]["augment"] == "none"
    assert set(plan.target(part, "paper").table()["split"]) == {
        "train",
        "test",
    }  # the official images, nothing held out
    # The mark is learnt by networks, and reported with what it was worth.
    marked = plan.find("explain", target=f"marked-{part}", do="robustness")
    assert {task.labels["chain"] for task in marked} == {"imagenet", "imagenet-in-domain"}
    assert len(plan.find("explain", do="measure", method="fusion: logistic-regression, tuned", target=part)) == 8


def test_the_ct_recipe_splits_by_patient_and_by_slice(here, cache_dir):
    from PIL import Image

    from indomain.recipe.recipe import load_recipe
    from indomain.recipe.study import Plan, make_plan
    from indomain.runs.folder import RunsFolder

    rng = np.random.default_rng(0)
    lines = ["image,label,patient"]
    for number in range(120):
        label = ("CT_COVID", "CT_NonCOVID")[number % 2]
        lines.append(f"{label}/{number}.png,{label},p{number // 4 * 2 + number % 2}")
    names = [f"covid_ct/{line.split(',')[0]}" for line in lines[1:]]
    names += [
        f"sarscov2_ct/{folder}/{word} ({n}).png"
        for folder, word in (("COVID", "Covid"), ("non-COVID", "Non-Covid"))
        for n in range(12)
    ]
    for name in names:
        (here / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (24, 24), dtype=np.uint8)).save(here / "data" / name)
    (here / "data/covid_ct/patients.csv").write_text("\n".join(lines))
    name, recipe, base = load_recipe("alammar2023/ct", ["size=80", "seeds=[0]"])
    plan = make_plan(Plan(name, recipe, base, RunsFolder(here / "runs"), here / "data", cache_dir, quiet=True))
    assert plan.target("by-patient", "strict").facts["leaks"] == {}
    assert plan.target("by-slice", "strict").facts["leaks"]["same patient"] > 0
    assert plan.target("by-slice", "strict").facts["dropped"] == 0
    every = [plan.target(target, "strict").table() for target in ("by-patient", "by-slice")]
    assert all((table["split"] != "dropped").all() for table in every)
