"""What `indomain data check` finds."""

import pandas as pd
import pytest

from indomain.data import audit
from indomain.data.dataset import open_dataset
from indomain.data.duplicates import similar_pairs
from indomain.data.pool import Pool
from tests.indomain.data.made import class_folders, given, image, nearly


def findings(pool: Pool) -> pd.DataFrame:
    dataset = open_dataset(pool, labelled=False)
    return audit.findings(dataset, similar_pairs(dataset, dataset))


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> pd.DataFrame:
    data = tmp_path_factory.mktemp("planted") / "data"
    (data / "given/train/sick").mkdir(parents=True)
    (data / "given/train/sick/p0_a.png").write_bytes(b"broken")
    images = {
        "train/well/p1_a.png": image(1),
        "train/sick/p2_a.png": image(2),
        "train/sick/p3_a.png": image(3),
        "train/well/p9_a.png": image(9),
        "test/sick/p4_a.png": image(2),  # the same pixels as p2's, in another split
        "test/well/p5_a.png": nearly(image(1)),  # nearly p1's
        "test/well/p6_a.png": image(3),  # p3's pixels under another label
        "test/sick/p9_b.png": image(8),  # patient p9 on both sides
    }
    return findings(Pool.of(given(data, images)))


def test_each_planted_fault_is_found_and_nothing_else(found):
    assert found["kind"].value_counts().to_dict() == {
        "unreadable": 1,
        "exact duplicate": 2,
        "near duplicate": 1,
        "contradicting labels": 1,
        "split overlap": 3,
        "patient overlap": 1,
    }


def test_a_finding_names_its_files_and_what_is_wrong(found):
    by_kind = found.set_index("kind")
    assert by_kind.loc["unreadable", "file"].endswith("p0_a.png")
    assert by_kind.loc["unreadable", "detail"] == "not an image in any known format"
    assert by_kind.loc["contradicting labels", "detail"] in ("well and sick", "sick and well")
    names = by_kind.loc["contradicting labels", ["file", "other_file"]]
    assert sorted(name.rpartition("/")[2] for name in names) == ["p3_a.png", "p6_a.png"]
    assert by_kind.loc["patient overlap", "detail"] in ("p9 in test, train", "p9 in train, test")


def test_a_study_of_two_labels_is_found_where_patients_number_studies_anew(tmp_path):
    names = ["a/p1/s1_x.png", "b/p1/s1_y.png", "a/p1/s2_x.png", "b/p2/s2_x.png"]
    read = {"reader": "folder", "root": "given", "pattern": "{label}/{patient}/{study}_*"}
    found = findings(Pool.of(given(tmp_path / "data", {name: image(n) for n, name in enumerate(names)}, read)))
    assert found[["kind", "detail"]].to_numpy().tolist() == [["study of two labels", "p1/s1 is a and b"]]


def test_a_patient_in_two_spellings_is_found(tmp_path):
    images = {"train/a/P07_x.png": image(1), "train/a/p7_y.png": image(2), "train/b/p8_x.png": image(3)}
    found = findings(Pool.of(given(tmp_path / "data", images)))
    assert found["kind"].tolist() == ["one patient in several spellings"]
    assert found["detail"].tolist() == ["'P07', 'p7' are treated as one person"]


def test_a_clean_set_has_no_finding(tmp_path):
    assert findings(Pool.of(class_folders(tmp_path / "data", "clean", "ab"))).empty


COUNTS = {"knee": {"all": {"a": 2, "b": 2}}, "hip": {"all": {"a": 3, "b": 2}}}


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """A set of two parts whose manifest expects one image more of the hip's class a."""
    names = [f"{part}/{label}/{n}.png" for part in ("knee", "hip") for label in "ab" for n in range(2)]
    read = {"reader": "folder", "root": "given", "pattern": "{body_part}/{label}/*"}
    images = {name: image(n) for n, name in enumerate(names)}
    data = tmp_path_factory.mktemp("counted") / "data"
    return given(data, images, read, counts=COUNTS, subset_by="body_part")


@pytest.mark.parametrize(
    ("subset", "details"),
    [
        ("knee", []),
        ("hip", ["all: a: 2 images, the manifest expects 3"]),
        ("all-but-knee", ["all: a: 2 images, the manifest expects 3"]),
        ("hip+knee", ["all: a: 4 images, the manifest expects 5"]),
        ("", ["all: a: 4 images, the manifest expects 5"]),
    ],
)
def test_a_subset_is_counted_against_its_own_numbers(counted, subset, details):
    assert findings(Pool.of(counted.part(subset)))["detail"].tolist() == details


def test_whole_sets_are_counted_whatever_the_subset(counted):
    assert audit.missing_images(Pool.of(counted.part("knee"))) == ["given: all: a: 4 images, the manifest expects 5"]


def test_each_set_of_a_pool_is_counted_for_itself(counted, tmp_path):
    short = class_folders(tmp_path / "data", "short", "ab", counts={"all": {"all": {"a": 4, "b": 9}}})
    assert audit.missing_images(Pool.of(counted, short)) == [
        "given: all: a: 4 images, the manifest expects 5",
        "short: all: b: 4 images, the manifest expects 9",
    ]


def test_images_are_counted_before_they_are_cut(tmp_path):
    cut = class_folders(
        tmp_path / "data", "cut", "ab", 3, patches={"size": 20}, counts={"all": {"all": {"a": 3, "b": 3}}}
    )
    assert len(cut.index()) == 24 and audit.missing_images(Pool.of(cut)) == []
