"""A data set as a recipe uses it: rows, classes, groups."""

import numpy as np
import pytest

from indomain.data.dataset import open_dataset
from indomain.data.manifest import LabelOptions
from indomain.data.options import DrawOptions
from indomain.data.pool import Pool
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders, given, image


@pytest.fixture(scope="module")
def phantoms(phantom_set) -> Pool:
    return Pool.of(phantom_set)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Pool:
    """Three classes of three images; a manifest that names none."""
    return Pool.of(class_folders(tmp_path_factory.mktemp("plain") / "data", "plain", "abc", 3))


def test_without_classes_in_the_manifest_each_label_is_one(plain):
    dataset = open_dataset(plain)
    assert dataset.class_names == ("a", "b", "c") and dataset.index["y"].tolist() == [0] * 3 + [1] * 3 + [2] * 3


def test_labels_are_merged_and_those_not_named_left_out(plain):
    dataset = open_dataset(plain, LabelOptions(classes={"early": ["a", "b"], "late": ["c"]}))
    assert dataset.counts() == {"all": {"early": 6, "late": 3}}
    few = open_dataset(plain, LabelOptions(classes={"late": ["c"], "early": ["a"]}))
    assert few.class_names == ("late", "early") and len(few) == 6


def test_a_label_without_images_is_answered_with_those_that_have_some(plain):
    with pytest.raises(RequestError, match="the label 'd' has no image. Labels found: a, b, c"):
        open_dataset(plain, LabelOptions(classes={"x": ["a"], "y": ["d"]}))


def test_one_class_is_too_few_to_learn_from(plain):
    with pytest.raises(RequestError, match="1 class with images; at least two are needed"):
        open_dataset(plain, LabelOptions(classes={"x": ["a", "b"]}))


def test_without_labels_every_row_counts_and_no_class_is_read(plain):
    dataset = open_dataset(plain, LabelOptions(classes={"x": ["a"], "y": ["nowhere"]}), labelled=False)
    assert len(dataset) == 9 and set(dataset.index["y"]) == {-1} and dataset.class_names == ()
    assert dataset.counts() == {"all": {"no label": 9}}


def test_the_positive_class_of_two_is_number_one(phantoms):
    assert open_dataset(phantoms).class_names == ("normal", "abnormal")
    turned = open_dataset(phantoms, LabelOptions(positive="normal"))
    assert turned.class_names == ("abnormal", "normal") and turned.positive == "normal"


def test_the_positive_class_is_kept_when_a_recipe_merges_classes(phantoms):
    merged = LabelOptions(classes={"abnormal": ["abnormal"], "fine": ["normal"]})
    assert open_dataset(phantoms, merged).class_names == ("fine", "abnormal")


def test_an_unknown_positive_class_is_refused(phantoms):
    with pytest.raises(RequestError, match="unknown positive class 'sick'"):
        open_dataset(phantoms, LabelOptions.model_construct(classes={}, positive="sick"))


@pytest.mark.parametrize(
    ("where", "views"),
    [
        ({"view": ["lateral"]}, {"lateral"}),
        ({"view": ["!lateral"]}, {"ap", "oblique"}),
        ({"view": ["ap", "lateral", "!lateral"]}, {"ap"}),
        ({"view": ["ap"], "body_part": ["hand"]}, {"ap"}),
    ],
)
def test_where_keeps_values_and_leaves_those_with_a_mark_out(phantoms, where, views):
    index = open_dataset(phantoms, where=where).index
    assert set(index["view"]) == views and ("body_part" not in where or set(index["body_part"]) == {"hand"})


def test_a_draw_keeps_so_many_images_and_another_seed_keeps_others(phantoms):
    whole = open_dataset(phantoms).index["id"].tolist()
    first, again, other = (
        open_dataset(phantoms, draw=DrawOptions(images=30, seed=seed)).index["id"].tolist() for seed in (0, 0, 1)
    )
    assert first == again != other and len(first) == len(set(first)) == 30
    assert first == [name for name in whole if name in set(first)]


def test_images_are_drawn_from_those_that_have_a_class(plain):
    dataset = open_dataset(plain, LabelOptions(classes={"x": ["a"], "y": ["b"]}), draw=DrawOptions(images=6))
    assert dataset.counts() == {"all": {"x": 3, "y": 3}}


@pytest.fixture(scope="module")
def unequal(tmp_path_factory) -> Pool:
    """Five classes of 2, 4, 6, 8 and 10 images."""
    names = [f"{kind}/{number}.png" for size, kind in enumerate("abcde", 1) for number in range(2 * size)]
    images = {name: image(number) for number, name in enumerate(names)}
    return Pool.of(
        given(tmp_path_factory.mktemp("unequal") / "data", images, {"reader": "folder", "root": "unequal"}, "unequal")
    )


def test_a_draw_of_classes_has_as_many_images_of_each_and_only_of_those_that_are_large_enough(unequal):
    drawn = {seed: open_dataset(unequal, draw=DrawOptions(images=9, classes=2, seed=seed)) for seed in range(20)}
    for dataset in drawn.values():
        assert sorted(dataset.counts()["all"].values()) == [4, 5] and len(dataset.class_names) == 2
        assert sorted(set(dataset.index["y"])) == [0, 1]
        assert all(dataset.class_names[y] == label for y, label in zip(dataset.index["y"], dataset.index["label"]))
    assert {name for dataset in drawn.values() for name in dataset.class_names} == {"c", "d", "e"}


def test_the_classes_drawn_are_the_same_whether_labels_are_read_or_not(unequal):
    options = DrawOptions(images=8, classes=3, seed=3)
    read, unread = (open_dataset(unequal, labelled=labelled, draw=options) for labelled in (True, False))
    assert read.index["id"].tolist() == unread.index["id"].tolist() and (unread.index["y"] == -1).all()


def test_classes_too_small_to_be_made_equal_are_refused_with_their_number(unequal):
    with pytest.raises(
        RequestError, match="unequal: draw asks for 4 classes of 5 images; of its 5 classes 3 have as many"
    ):
        open_dataset(unequal, draw=DrawOptions(images=20, classes=4))


@pytest.mark.parametrize("labelled", [True, False])
def test_more_images_than_there_are_cannot_be_drawn(plain, labelled):
    with pytest.raises(RequestError, match="plain: draw asks for 10 images, but there are 9 to draw from"):
        open_dataset(plain, labelled=labelled, draw=DrawOptions(images=10))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"label": ["!d"]}, "plain: where: unknown label 'd'.*Known: a, b, c"),
        ({"patient": ["1"]}, "unknown patient '1'"),
        ({"age": ["1"]}, "plain: where: unknown column 'age'.*Known: body_part, label"),
        ({"label": ["!a", "!b", "!c"]}, "no image is left by the subset and `where`"),
    ],
)
def test_a_word_that_matches_nothing_is_refused(plain, where, message):
    with pytest.raises(RequestError, match=message):
        open_dataset(plain, where=where)


def test_in_a_pool_patients_are_found_by_their_own_numbers_or_with_their_sets_name(tmp_path):
    data, by_number = tmp_path / "data", {"pattern": "{label}/{patient:[0-9]}.png"}
    pool = Pool.of(*(class_folders(data, name, "ab", 3, read=by_number) for name in ("one", "two")))
    assert len(open_dataset(pool, where={"patient": ["!2"]}, labelled=False)) == 8
    assert len(open_dataset(pool, where={"patient": ["!two:2"]}, labelled=False)) == 10


def test_a_group_is_the_patient_or_the_image_where_none_is_known(tmp_path):
    names = ["train/a/p1_a.png", "train/a/p1_b.png", "train/b/p2_a.png"]
    known = open_dataset(Pool.of(given(tmp_path / "data", {name: image(n) for n, name in enumerate(names)})))
    assert known.index["group"].tolist() == ["p1", "p1", "p2"] and known.has_patients
    unknown = open_dataset(Pool.of(class_folders(tmp_path / "data", "plain", "ab", 2)))
    assert unknown.index["group"].is_unique and not unknown.has_patients


def test_patches_of_one_image_are_one_group(tmp_path):
    dataset = open_dataset(Pool.of(class_folders(tmp_path / "data", "cut", "ab", 2, patches={"size": 20})))
    assert len(dataset) == 16 and dataset.index["group"].nunique() == dataset.index["image"].nunique() == 4
    assert dataset.index["image"][0] == "a/0.png"


def test_studies_are_numbered_apart_for_each_body_part(phantoms, phantom_set):
    assert (
        open_dataset(phantoms)
        .index["study"]
        .str.match(r"(?:elbow|finger|forearm|hand|humerus|shoulder|wrist)/patient")
        .all()
    )
    one = open_dataset(Pool.of(phantom_set.part("hand"))).index
    assert one["study"].str.startswith("patient").all()


def test_an_image_comes_from_its_folder_or_in_a_pool_from_its_set(plain, phantom_set):
    assert set(open_dataset(plain).index["origin"]) == {"a", "b", "c"}
    both = open_dataset(Pool.of(*plain.parts, phantom_set), labelled=False)
    assert set(both.index["origin"]) == {"plain", "phantom"}


def test_taken_rows_keep_their_classes_and_images(plain):
    dataset = open_dataset(plain)
    part = dataset.take((dataset.index["label"] == "c").to_numpy())
    assert part.class_names == dataset.class_names and len(part) == 3
    rows = part.index["row"].to_numpy()
    assert np.array_equal(part.images(rows, 1), dataset.images(np.array([6, 7, 8]), 1))


def test_where_an_image_comes_from_can_be_what_is_to_be_told(tmp_path):
    sets = [class_folders(tmp_path / name, name, "ab", 4) for name in ("here", "there")]
    pool = Pool.of(*sets)
    dataset = open_dataset(pool, by_origin=True)
    assert dataset.class_names == ("here", "there") and dataset.counts() == {"all": {"here": 8, "there": 8}}
    # Of one class alone there is nothing else to tell.
    alone = open_dataset(pool, where={"label": ["a"]}, by_origin=True)
    assert alone.counts() == {"all": {"here": 4, "there": 4}} and set(alone.index["origin"]) == {"here", "there"}
    named = open_dataset(pool, LabelOptions(classes={"ours": ["here"], "theirs": ["there"]}), by_origin=True)
    assert named.class_names == ("ours", "theirs")
