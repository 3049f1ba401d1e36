"""Several sets as one."""

import numpy as np
import pytest

from indomain.data.dataset import open_dataset
from indomain.data.pool import Pool
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders

BY_NUMBER = {"pattern": "{label}/{patient:[0-9]}.png"}


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A set in colour with classes x and y, and one in grey with y and z; both number their patients from 0."""
    data = tmp_path_factory.mktemp("two") / "data"
    first = class_folders(data, "first", "xy", read=BY_NUMBER, citation="A", stand_in=True)
    second = class_folders(data, "second", "yz", read=BY_NUMBER, citation="B", images={"channels": "grey"})
    return first, second


@pytest.fixture(scope="module")
def pool(two) -> Pool:
    return Pool.of(*two)


def test_a_pool_of_one_is_its_set(two):
    first, own = Pool.of(two[0]), two[0].index()
    assert first.index().equals(own) and first.name == "first" and first.digest == two[0].digest


def test_rows_count_through_all_sets_in_their_order(pool):
    assert pool.index()["row"].tolist() == list(range(16)) and pool.name == "first+second"
    assert pool.index()["set"].tolist() == ["first"] * 8 + ["second"] * 8


def test_ids_and_patients_carry_their_sets_name(pool, two):
    index = pool.index()
    assert index["id"].is_unique and index["patient"].nunique() == 8
    assert index["patient"][8] == "second:0" and index["id"][8] == "second:y/0.png"
    # What is unknown stays so.
    assert set(index["study"]) == set(index["source_image"]) == {""}


def test_images_are_those_of_the_sets(pool, two):
    shown = open_dataset(pool, labelled=False).images(np.array([15, 0, 8, 3]), 3)
    one, other = (open_dataset(Pool.of(part), labelled=False) for part in two)
    assert np.array_equal(shown[[1, 3]], one.images(np.array([0, 3]), 3))
    assert np.array_equal(shown[[0, 2]], other.images(np.array([7, 0]), 3))


def test_a_set_cannot_be_joined_with_itself(two):
    with pytest.raises(RequestError, match="'first' is joined with itself"):
        Pool.of(two[0], two[1], two[0])


def test_a_pool_in_part_in_colour_is_in_colour(pool, two):
    assert pool.channels == 3 and Pool.of(two[1]).channels == 1


def test_a_pool_is_a_stand_in_as_soon_as_one_set_is(pool, two):
    assert pool.stand_in and not Pool.of(two[1]).stand_in and not pool.synthetic
    assert pool.citation == "A; B" and pool.title == "first + second"


def test_the_order_of_sets_and_their_subsets_are_in_the_digest(phantom_set, two):
    pools = [Pool.of(*parts) for parts in (two, two[::-1], (two[0], phantom_set), (two[0], phantom_set.part("hand")))]
    assert len({pool.digest for pool in pools}) == 4


def test_rows_of_a_second_set_begin_after_all_images_of_the_first(phantom_set, two):
    index = Pool.of(phantom_set.part("hand"), two[0]).index()
    assert index.loc[index["set"] == "first", "row"].min() == len(phantom_set.images())


def test_labels_of_the_same_name_are_one_class(pool):
    assert open_dataset(pool).counts()["all"] == {"x": 4, "y": 8, "z": 4}


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A set whose manifest calls x bad and y good."""
    data = tmp_path_factory.mktemp("named") / "data"
    return class_folders(data, "named", "xy", 3, labels={"classes": {"bad": ["x"], "good": ["y"]}, "positive": "bad"})


def test_classes_are_those_of_every_manifest_and_plain_labels_where_it_names_none(named, two, tmp_path):
    plain = class_folders(tmp_path / "data", "plain", "pq", 3)
    joined = Pool.of(named, plain)
    assert open_dataset(joined).counts()["all"] == {"bad": 3, "good": 3, "p": 3, "q": 3}
    assert joined.class_order == ["bad", "good", "p", "q"]


def test_manifests_that_contradict_one_another_are_refused_where_labels_are_read(named, tmp_path):
    classes = {"classes": {"good": ["x"], "bad": ["y"]}}
    torn = Pool.of(named, class_folders(tmp_path / "data", "contrary", "xy", 3, labels=classes))
    with pytest.raises(RequestError, match=r"named\+contrary: label 'y' is in two classes.* Say in the recipe"):
        open_dataset(torn)
    assert len(open_dataset(torn, labelled=False)) == 12


def test_a_positive_class_is_one_that_all_manifests_agree_on(named, two, tmp_path):
    classes = {"classes": {"bad": ["p"], "good": ["q"]}, "positive": "bad"}
    agreeing = class_folders(tmp_path / "data", "agreeing", "pq", 3, labels=classes)
    assert Pool.of(named, agreeing).positive == "bad" and Pool.of(named, two[1]).positive is None


def test_unreadable_files_of_every_set_are_listed(pool, tmp_path):
    broken = tmp_path / "data" / "broken"
    (broken / "a").mkdir(parents=True)
    (broken / "a/0.png").write_bytes(b"")
    prepared = class_folders(tmp_path / "data", "broken", "b", 2)
    assert Pool.of(prepared).unreadable()["file"].tolist() == [str(broken / "a/0.png")]
    assert len(Pool.of(pool.parts[0], prepared).unreadable()) == 1


def test_only_a_pool_of_one_has_masks(phantom_set, two):
    assert len(Pool.of(phantom_set).masks) == 64 and Pool.of(phantom_set, two[0]).masks == ""
