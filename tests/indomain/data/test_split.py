"""A split on disk, as stages open it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from indomain import files
from indomain.data.gate import TargetRequest, find_or_draw
from indomain.data.options import Profile, TargetOptions
from indomain.data.pool import Pool
from indomain.data.prepared import PreparedSet
from indomain.data.split import Split, info_of, read_info
from tests.indomain.data.made import given, image


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> PreparedSet:
    """Twelve images of twelve patients whose names look like numbers, by name of file: the patient's own."""
    names = [f"{'ab'[number % 2]}/{number:03}_x.png" for number in range(12)]
    read = {"reader": "folder", "root": "given", "pattern": "{label}/{patient}_*"}
    images = {name: image(number) for number, name in enumerate(names)}
    return given(tmp_path_factory.mktemp("split") / "data", images, read)


@pytest.fixture(scope="module")
def split(prepared, tmp_path_factory) -> Split:
    options = TargetOptions(set="given", split={"scheme": "kfold", "folds": 3, "validation": 0.25})
    request = TargetRequest("skin", Pool.of(prepared), options, Profile("strict"))
    return find_or_draw(tmp_path_factory.mktemp("work"), request)


@pytest.mark.parametrize("prefix", ["", "probe_"])
def test_a_split_is_found_again_by_a_tasks_paths(split, prefix):
    assert Split.open(split.paths(prefix), prefix) == split


def test_what_is_known_survives_the_disk_and_the_parameters_of_a_task(split):
    assert read_info(split.folder) == split.info == info_of(split.info.to_params())
    assert info_of({**split.info.to_params(), "files": {"split.csv": [1, ""]}}) == split.info
    assert split.digest == files.read_json(split.folder / "info.json")["digest"]


def test_each_fold_is_a_table_of_its_own(split):
    folds = [split.table(fold) for fold in range(3)]
    assert all(set(table["fold"]) == {number} and table.index[0] == 0 for number, table in enumerate(folds))
    pd.testing.assert_frame_equal(pd.concat(folds, ignore_index=True), split.every_fold())


def test_names_that_look_like_numbers_stay_text(split):
    assert sorted(split.table()["patient"]) == [f"{number:03}" for number in range(12)]
    assert set(split.table()["study"]) == {""}


def test_a_tasks_rows_are_those_of_its_fold_under_its_budget(split):
    rows = split.labelled({"budget": {"shots": 1}, "fold": 2, "validation": 0.25})
    assert set(rows["fold"]) == {2} and rows.groupby(["split", "y"]).size().loc["train"].tolist() == [1, 1]
    assert len(split.labelled({"budget": {}, "fold": 2, "validation": 0.25})) == 12


def test_rows_are_all_images_of_the_split_once_and_in_order(split):
    assert split.rows().tolist() == list(range(12))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_those_of_the_rows(split, channels):
    table = split.table()
    for row, name in zip(table["row"], table["patient"]):
        shown = split.images(channels)(np.array([row]))[0]
        assert shown.shape == (32, 32, channels) and np.array_equal(shown[..., -1], image(int(name)))


def test_a_set_without_masks_has_none(split):
    assert split.masks() is None


def test_masks_are_those_of_the_prepared_set(phantom_set, tmp_path):
    request = TargetRequest("hand", Pool.of(phantom_set.part("hand")), TargetOptions(set="x"), Profile("strict"))
    drawn = find_or_draw(tmp_path, request)
    rows = drawn.rows()
    assert np.array_equal(drawn.masks()[rows].any(axis=(1, 2)), phantom_set.index()["label"][rows] == "abnormal")


@pytest.mark.parametrize(
    ("classes", "positive", "index"),
    [(["a", "b"], "a", 0), (["a", "b"], "", 1), (["a", "b", "c"], "", None), (["a", "b", "c"], "c", 2)],
)
def test_the_positive_class_is_the_one_named_or_the_last_of_two(split, classes, positive, index):
    assert replace(split.info, classes=classes, positive=positive).positive_index == index


def test_numbers_of_phantoms_and_of_copies_are_called_so(split):
    words = [
        replace(split.info, synthetic=a, stand_in=b).data for a, b in [(False, False), (False, True), (True, True)]
    ]
    assert words == ["real", "stand-in", "synthetic"]


def test_validation_images_are_told_from_the_counts(split):
    assert split.info.has_validation
    assert not replace(split.info, counts=[count for count in split.info.counts if count[1] != "val"]).has_validation
