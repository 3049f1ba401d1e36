"""The shipped manifests on trees of files in the layouts of the sets that they describe."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain import files
from indomain.data import audit, readers
from indomain.data.dataset import Dataset, open_dataset
from indomain.data.images import phantom
from indomain.data.manifest import LabelOptions, load_manifest
from indomain.data.pool import Pool
from indomain.data.prepared import INDEX_COLUMNS, PreparedSet
from indomain.data.preparing import prepare
from indomain.errors import RequestError
from tests.indomain.data.made import image, save

GRADES = ("1", "2", "3", "4a", "4b", "4c", "5", "6")  # BI-RADS
# Name -> tables, images, and "split class patient" of some rows.
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
    "dtd": ({}, ["dtd/images/banded/banded_0002.jpg", "dtd/images/dotted/dotted_0001.jpg"], [" banded ", " dotted "]),
    "alot": (
        {},
        ["png4/1/1_c1l1.png", "png4/1/1_c2l8r60.png", "png4/12/12_c1l1.png"],
        [" 1 c1l1", " 1 c2l8", " 12 c1l1"],
    ),
    "kth_tips": (
        {},
        [
            f"KTH_TIPS/{name}/{number}-scale_{scale}_im_1_col.png"
            for name, number in (("cotton", 44), ("linen", 46))
            for scale in (2, 10)
        ],
        [" cotton 2", " cotton 10", " linen 2"],
    ),
    "kth_tips2b": (
        {},
        [
            f"KTH-TIPS2-b/{name}/sample_{letter}/22{letter}-scale_2_im_10_col.png"
            for name in ("cork", "wood")
            for letter in "ad"
        ],
        [" cork sample_a", " wood sample_d"],
    ),
    "fmd": (
        {},
        ["FMD/image/fabric/fabric_moderate_001_new.jpg", "FMD/image/water/water_object_050_new.jpg"],
        [" fabric ", " water "],
    ),
    "kylberg": (
        {},
        ["Kylberg/blanket1/blanket1-a-p001.png", "Kylberg/sand1/sand1-d-p040.png"],
        [" blanket1 a", " sand1 d"],
    ),
    "uiuc_textures": (
        {},
        ["uiuc_textures/T01_bark1/T01_01.jpg", "uiuc_textures/T25_plaid/T25_40.jpg"],
        [" T01_bark1 ", " T25_plaid "],
    ),
    "caltech101": (
        {},
        [
            "101_ObjectCategories/accordion/image_0001.jpg",
            "101_ObjectCategories/BACKGROUND_Google/image_0001.jpg",
            "101_ObjectCategories/yin_yang/image_0060.jpg",
        ],
        [" accordion ", " yin_yang "],
    ),
    "corel1000": (
        {},
        [f"image.orig/{number}.jpg" for number in (0, 7, 42, 99, *range(100, 1000, 100), 999)],
        [" African people ", " beach ", " food "],
    ),
    "kaggle_dr": (
        {
            "diabetic-retinopathy/trainLabels.csv": "image,level\n10_left,0\n10_right,4\n13_left,1\n13_right,2\n15_left,3\n"
        },
        [
            f"diabetic-retinopathy/train/{name}.jpeg"
            for name in ("10_left", "10_right", "13_left", "13_right", "15_left")
        ],
        [" none 10", " proliferative 10", " mild 13"],
    ),
    "inbreast": (
        {
            "INbreast/INbreast.csv": "Patient ID;Patient age;Laterality;View;Acquisition date;File Name;ACR;Bi-Rads\n"
            + "".join(f"removed;removed;L;CC;200801;{number};1;{grade}\n" for number, grade in enumerate(GRADES, 10))
        },
        [f"INbreast/AllDICOMs/{number}_c{number // 2}f_MG_L_CC_ANON.dcm" for number in range(10, 18)],
        [" benign c5f", " malignant c6f", " malignant c8f"],
    ),
    "dfuc_folders": ({}, [f"DFUC/{name}/1.jpg" for name in ("none", "infection", "ischaemia", "both")], [" both "]),
}


def planted(data: Path, name: str) -> Dataset:
    """The set of a shipped manifest, read from a tree of a few files in its layout."""
    tables, images, _ = TREES[name]
    for number, path in enumerate(images):
        save(data / path, image(number, (520, 600) if name == "bach_patches" else (30, 40), 3))
    for path, content in tables.items():
        (data / path).write_text(content)
    manifest, _ = load_manifest(name)
    return open_dataset(Pool.of(prepare(manifest, data, data.parent / "cache", (16, 16), quiet=True)))


@pytest.mark.parametrize("name", TREES)
def test_a_shipped_manifest_reads_its_sets_own_layout(name, tmp_path):
    dataset = planted(tmp_path / "data", name)
    classes = [dataset.class_names[y] for y in dataset.index["y"]]
    said = {" ".join(words) for words in zip(dataset.index["split"], classes, dataset.index["patient"])}
    assert set(TREES[name][2]) <= said
    assert audit.missing_images(dataset.pool), "such a partial copy is told from the published one"


def test_the_patches_of_bach_are_cut_and_know_their_slide(tmp_path):
    dataset = planted(tmp_path / "data", "bach_patches")
    assert len(dataset) == 4 * 4 and dataset.index["image"].nunique() == 4


@pytest.fixture(scope="module")
def whole_mura(tmp_path_factory) -> PreparedSet:
    """MURA v1.1 as its reader finds it: every file by its name, two images a study, nothing in them."""
    top = tmp_path_factory.mktemp("mura")
    manifest, _ = load_manifest("mura")
    for part, splits in manifest.counts.items():
        for split, classes in splits.items():
            word = {"train": "train", "test": "valid"}[split]
            for label, count in classes.items():
                for number in range(count):
                    patient, study = f"patient{word}{number // 4:05}", f"study{1 + number // 2 % 2}_{label}"
                    folder = top / f"MURA-v1.1/{word}/XR_{part.upper()}/{patient}/{study}"
                    if number % 2 == 0:
                        folder.mkdir(parents=True)
                    (folder / f"image{1 + number % 2}.png").touch()
    records = readers.read(manifest, top, (32, 32))
    columns = [name for name in INDEX_COLUMNS if name not in ("source_image", "sha256")]
    index = pd.DataFrame([[getattr(record, name) for name in columns] for record in records], columns=columns)
    (top / "prepared").mkdir()
    index.assign(source_image="", sha256="").to_csv(top / "prepared/index.csv", index=False)
    return PreparedSet(top / "prepared", manifest, {"digest": "", "images": len(records)})


def test_the_reader_finds_muras_own_counts(whole_mura):
    index = whole_mura.index()
    assert index.groupby("split").size().to_dict() == {"train": 36_808, "test": 3_197}
    assert set(index["body_part"]) == set(whole_mura.manifest.counts)
    assert audit.missing_images(Pool.of(whole_mura)) == []


@pytest.mark.parametrize(
    ("subset", "train", "test"),
    [
        ("humerus", 1_272, 288),
        ("all-but-humerus", 35_536, 2_909),
        ("all-but-wrist", 27_056, 2_538),
        ("all-but-humerus+wrist", 25_784, 2_250),
        ("elbow+hand", 10_474, 925),
    ],
)
def test_subsets_of_mura_have_the_published_counts(whole_mura, subset, train, test):
    assert whole_mura.part(subset).index().groupby("split").size().to_dict() == {"train": train, "test": test}
    expected = whole_mura.manifest.expected_counts(subset)
    assert (sum(expected["train"].values()), sum(expected["test"].values())) == (train, test)


def test_a_partial_download_of_mura_is_recognised_by_its_counts(whole_mura, tmp_path):
    index = pd.read_csv(whole_mura.folder / "index.csv", dtype=str, keep_default_na=False)
    files.write_text(tmp_path / "index.csv", index.iloc[1:].to_csv(index=False))
    (said,) = audit.missing_images(Pool.of(PreparedSet(tmp_path, whole_mura.manifest, whole_mura.info)))
    assert said.startswith("mura: train: ") and "the manifest expects" in said


def test_another_version_of_mura_is_named(tmp_path):
    (tmp_path / "MURA-v1.0").mkdir()
    with pytest.raises(RequestError, match=r"MURA-v1.0, which is another version: 40,895 images of 14,982 studies"):
        readers.read(load_manifest("mura")[0], tmp_path, (32, 32))


@pytest.fixture(scope="module")
def phantom_mura(tmp_path_factory) -> PreparedSet:
    """Phantoms in MURA's layout, read by MURA's own manifest."""
    top = tmp_path_factory.mktemp("phantom_mura")
    phantom.write_mura(top, patients=4, size=(40, 32))
    return prepare(load_manifest("mura")[0], top, top / "cache", (32, 32), quiet=True)


def test_muras_manifest_reads_a_phantom_in_muras_layout(phantom_mura):
    words = {"normal": "negative", "abnormal": "positive"}
    drawn = sorted((one.split, one.part, one.patient, words[one.label]) for one in phantom.exposures(4))
    found = phantom_mura.index()[["split", "body_part", "patient", "label"]]
    assert sorted(map(tuple, found.to_numpy())) == drawn


def test_studies_of_mura_are_found(phantom_mura):
    dataset = open_dataset(Pool.of(phantom_mura.part("humerus")))
    assert dataset.class_names == ("normal", "abnormal") and dataset.has_patients
    assert dataset.index["study"].str.startswith("study").all()


def test_a_subset_of_mura_and_all_but_it_are_the_whole(phantom_mura):
    humerus, others = (phantom_mura.part(name).index() for name in ("humerus", "all-but-humerus"))
    assert sorted([*humerus["row"], *others["row"]]) == list(range(len(phantom_mura.index())))
    assert "humerus" not in set(others["body_part"])


def test_a_small_image_of_a_mura_study_is_what_lies_in_its_file(phantom_mura):
    row = phantom_mura.index().iloc[7]
    padded = np.zeros((32, 32), np.uint8)
    padded[:, 3:29] = np.asarray(Image.open(row["file"]).resize((26, 32), Image.Resampling.LANCZOS))
    assert np.array_equal(phantom_mura.images()[7], padded)


def test_probably_benign_mammograms_are_left_out_unless_a_recipe_wants_them(tmp_path):
    dataset = planted(tmp_path / "data", "inbreast")
    assert (
        dataset.class_names == ("benign", "malignant") and list(dataset.index["y"]).count(1) == 5 and len(dataset) == 7
    )
    wanted = LabelOptions(classes={"benign": ["1", "2", "3"], "malignant": list(GRADES[3:])})
    assert len(open_dataset(dataset.pool, wanted)) == 8


def test_the_first_hundred_of_corel_are_a_class_although_their_names_have_no_hundreds(tmp_path):
    index = planted(tmp_path / "data", "corel1000").index
    hundreds = {name: int(name.removesuffix(".jpg")) // 100 for name in index["id"]}
    classes = list(load_manifest("corel1000")[0].labels.classes)
    assert [classes[hundreds[name]] for name in index["id"]] == [classes[y] for y in index["y"]]
    assert (index["y"] == 0).sum() == 4 and len(index) == 14


def test_clutter_is_no_class_of_caltech(tmp_path):
    dataset = planted(tmp_path / "data", "caltech101")
    assert sorted(dataset.class_names) == ["accordion", "yin_yang"]


def test_a_set_without_counts_by_class_is_counted_as_a_whole(tmp_path):
    (said,) = audit.missing_images(planted(tmp_path / "data", "dtd").pool)
    assert said == "dtd: 2 images, the manifest expects 5640"
