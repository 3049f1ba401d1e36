"""Drawing a split: its files, and what is known of it."""

import shutil

import pandas as pd
import pytest

from indomain.data import drawing
from indomain.data.gate import SourceRequest, TargetRequest
from indomain.data.options import Profile, SourceOptions, TargetOptions
from indomain.data.pool import Pool
from indomain.data.prepared import PreparedSet
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders, given, image

STRICT, PAPER = Profile("strict"), Profile("paper")


def target(prepared: PreparedSet, profile: Profile = STRICT, **options) -> TargetRequest:
    asked = TargetOptions.model_validate({"set": "given", **options})
    return TargetRequest("skin", Pool.of(prepared), asked, profile)


def source(*parts: PreparedSet, profile: Profile = STRICT, labelled: bool = True, **options) -> SourceRequest:
    return SourceRequest("s", Pool.of(*parts), SourceOptions(set="given", **options), profile, labelled, ())


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> PreparedSet:
    """Two classes of eight images each, nothing else known."""
    return class_folders(tmp_path_factory.mktemp("plain") / "data", "plain", "ab", 8)


def test_the_table_says_of_each_image_where_it_came_from(phantom_set, tmp_path):
    drawing.draw_target(target(phantom_set.part("hand"), split={"scheme": "official", "validation": 0.3}), tmp_path)
    table = pd.read_csv(tmp_path / "split.csv")
    index = phantom_set.index().set_index("id").loc[table["id"]]
    assert table["file"].tolist() == index["file"].tolist() and table["label"].tolist() == index["label"].tolist()
    assert table["row"].tolist() == index["row"].tolist() and table["patient"].tolist() == index["patient"].tolist()


def test_what_is_known_of_a_split_is_what_stands_in_it(phantom_set, tmp_path):
    request = target(phantom_set.part("hand"), split={"scheme": "official", "validation": 0.3})
    info = drawing.draw_target(request, tmp_path)
    table = pd.read_csv(tmp_path / "split.csv")
    assert (info.name, info.set, info.classes, info.positive) == (
        "skin",
        "phantom/hand",
        ["normal", "abnormal"],
        "abnormal",
    )
    assert info.synthetic and info.has_patients and info.has_studies and not info.cut and info.channels == 1
    assert {(split, y): n for _, split, y, n in info.counts} == table.groupby(["split", "y"]).size().to_dict()
    assert info.masks == phantom_set.info["masks"] != ""


@pytest.mark.parametrize(
    ("parts", "profile", "scheme", "learnt"),
    [
        (("train", "val", "test"), PAPER, "official", 6),
        (("train", "val", "test"), STRICT, "official", 0),  # they choose the epoch
        (("train", "val"), PAPER, "official", 0),  # they are the test images
        (("train", "val", "test"), PAPER, "holdout", 0),  # the official split is not used
    ],
)
def test_official_validation_images_that_are_learnt_from_are_counted(tmp_path, parts, profile, scheme, learnt):
    names = [f"{part}/{label}/p{part}{label}{n}_a.png" for part in parts for label in "ab" for n in range(3)]
    prepared = given(tmp_path / "data", {name: image(number) for number, name in enumerate(names)})
    (tmp_path / "split").mkdir()
    info = drawing.draw_target(target(prepared, profile, split={"scheme": scheme}), tmp_path / "split")
    assert info.official_val_learnt == learnt
    assert (info.counts == [[0, "test", 0, 3], [0, "test", 1, 3], [0, "train", 0, 6], [0, "train", 1, 6]]) == bool(
        learnt
    )


def test_no_leak_leaves_a_table_without_rows(plain, tmp_path):
    info = drawing.draw_target(target(plain), tmp_path)
    assert info.leaks == {} and pd.read_csv(tmp_path / "leaks.csv").empty


def test_a_split_is_known_by_its_content_not_by_the_names_of_folders(plain, tmp_path):
    moved = tmp_path / "elsewhere" / "data"
    shutil.copytree(plain.folder.parent.parent / "data", moved)
    again = given(moved, {}, {"reader": "folder", "root": "plain"}, "plain", (16, 16))
    first, second = (drawing.draw_target(target(one), tmp_path) for one in (plain, again))
    assert again.folder != plain.folder and first == second


@pytest.mark.parametrize(
    "change", [{"split": {"seed": 1}}, {"split": {"test": 0.4}}, {"classes": {"b": ["b"], "a": ["a"]}}]
)
def test_other_roles_or_labels_are_another_digest_of_the_same_images(plain, tmp_path, change):
    first, second = (drawing.draw_target(target(plain, **more), tmp_path) for more in ({}, change))
    assert first.digest != second.digest and first.rows == second.rows


def test_fewer_images_are_another_digest_of_images(plain, tmp_path):
    first, second = (drawing.draw_target(target(plain, where=where), tmp_path) for where in ({}, {"label": ["a", "b"]}))
    assert first.rows == second.rows
    whole = drawing.draw_source(source(plain, where={"label": ["a"]}, validation=0, labelled=False), tmp_path)
    assert whole.rows != first.rows


@pytest.mark.parametrize("budget", [{"fractions": [1.0, 0.01]}, {"shots": [2, 50]}])
def test_an_impossible_label_budget_is_refused_when_the_split_is_drawn(plain, tmp_path, budget):
    with pytest.raises(RequestError, match="leaves class 0 with"):
        drawing.draw_target(target(plain, **budget), tmp_path)


@pytest.mark.parametrize(
    ("profile", "labelled", "expected"),
    [(STRICT, True, {"train", "val"}), (STRICT, False, {"train"}), (PAPER, True, {"train"})],
)
def test_a_source_holds_images_out_only_where_labels_are_learnt_strictly(plain, tmp_path, profile, labelled, expected):
    info = drawing.draw_source(source(plain, profile=profile, labelled=labelled, validation=0.25), tmp_path)
    assert set(pd.read_csv(tmp_path / "split.csv")["split"]) == expected and info.has_validation == ("val" in expected)


def test_an_unlabelled_source_uses_images_of_every_class_and_of_none(tmp_path):
    prepared = class_folders(tmp_path / "data", "three", "abc", 3)
    two = {"classes": {"a": ["a"], "b": ["b"]}, "validation": 0.0}
    assert sum(n for *_, n in drawing.draw_source(source(prepared, labelled=True, **two), tmp_path).counts) == 6
    assert sum(n for *_, n in drawing.draw_source(source(prepared, labelled=False, **two), tmp_path).counts) == 9


@pytest.mark.parametrize("labelled", [True, False])
def test_a_source_is_drawn_from_the_images_that_may_be_used(tmp_path, labelled):
    # Two thirds of the images are test images: drawn from all of them, few of the twelve would be left.
    names = [f"{split}/{label}/p{split}{label}{n}_a.png" for split in ("train", "test", "val") for label in "ab" for n in range(8)]  # fmt: skip
    made = given(tmp_path / "data", {name: image(number) for number, name in enumerate(names)})
    for draw in ({"images": 12}, {"images": 12, "classes": 2}):
        (folder := tmp_path / str(len(draw))).mkdir()
        drawing.draw_source(source(made, labelled=labelled, draw=draw, validation=0.25), folder)
        table = pd.read_csv(folder / "split.csv")
        assert len(table) == 12 and table["id"].str.startswith("train").all()


def test_folders_that_are_the_classes_are_no_origins(plain, tmp_path):
    assert drawing.draw_target(target(plain), tmp_path).origins == []


def test_folders_that_cut_across_the_classes_are_origins(tmp_path):
    names = [f"{hospital}/{label}{n}.png" for hospital in ("north", "south") for label in "ab" for n in range(4)]
    read = {"reader": "folder", "root": "given", "pattern": "*/{label:[ab]}*.png"}
    prepared = given(tmp_path / "data", {name: image(n) for n, name in enumerate(names)}, read)
    assert drawing.draw_target(target(prepared), tmp_path).origins == ["north", "south"]


def test_the_sets_of_a_pool_are_its_origins(plain, tmp_path):
    other = class_folders(tmp_path / "data", "other", "ab", 4)
    info = drawing.draw_source(source(plain, other, labelled=False), tmp_path)
    assert info.origins == ["other", "plain"] and info.set == "plain+other"


def test_a_copy_that_is_not_the_published_one_says_so(tmp_path):
    counts = {"all": {"all": {"a": 9, "b": 8}}}
    prepared = class_folders(tmp_path / "data", "partial", "ab", 8, counts=counts)
    info = drawing.draw_target(target(prepared), tmp_path)
    assert info.incomplete == ["partial: all: a: 8 images, the manifest expects 9"]
