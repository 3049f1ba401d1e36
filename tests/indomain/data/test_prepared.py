"""A prepared set on disk, and its subsets."""

import numpy as np
import pytest

from indomain.data.prepared import INDEX_COLUMNS
from indomain.errors import RequestError
from tests.indomain.data.made import class_folders, given, image


@pytest.mark.parametrize(
    ("subset", "parts"),
    [
        ("", {"elbow", "finger", "forearm", "hand", "humerus", "shoulder", "wrist"}),
        ("hand", {"hand"}),
        ("hand+wrist", {"hand", "wrist"}),
        ("all-but-hand", {"elbow", "finger", "forearm", "humerus", "shoulder", "wrist"}),
        ("all-but-hand+wrist+elbow+finger", {"forearm", "humerus", "shoulder"}),
    ],
)
def test_a_subset_holds_the_parts_that_it_names(phantom_set, subset, parts):
    part = phantom_set.part(subset)
    assert set(part.index()["body_part"]) == parts
    assert part.name == (f"phantom/{subset}" if subset else "phantom")


def test_an_unknown_subset_is_answered_with_the_nearest(phantom_set):
    with pytest.raises(RequestError, match="phantom/hands: unknown subset 'hands'. Did you mean 'hand'"):
        phantom_set.part("hands").index()


def test_a_subset_keeps_the_rows_of_the_whole(phantom_set):
    whole, part = phantom_set.index(), phantom_set.part("hand").index()
    assert part["row"].tolist() == whole.loc[whole["body_part"] == "hand", "row"].tolist()
    assert phantom_set.part("hand").digest == phantom_set.digest


def test_the_index_is_text_but_for_the_rows(phantom_set):
    index = phantom_set.index()
    assert set(INDEX_COLUMNS) <= set(index) and index["row"].tolist() == list(range(len(phantom_set.images())))
    assert all(isinstance(value, str) for name in INDEX_COLUMNS for value in index[name][:20])


def test_patients_are_those_of_the_set_that_a_manifest_names(tmp_path):
    own = class_folders(tmp_path / "data", "one", "ab", 1)
    other = class_folders(tmp_path / "data", "two", "ab", 1, patients_of="one")
    assert set(own.index()["numbers"]) == set(other.index()["numbers"]) == {"one"} and set(other.index()["set"]) == {
        "two"
    }


def test_images_are_read_only(phantom_set):
    with pytest.raises(ValueError, match="read-only"):
        phantom_set.images()[0, 0, 0] = 1


def test_a_pixel_that_changed_is_found_by_its_image(tmp_path):
    prepared = given(tmp_path / "data", {f"train/a/p{n}_x.png": image(n) for n in range(5)})
    assert prepared.altered() == []
    images = np.load(prepared.folder / "images.npy", mmap_mode="r+")
    images[3, 5, 5] ^= 1
    images.flush()
    assert prepared.altered() == ["train/a/p3_x.png"]


def test_masks_are_there_or_none(phantom_set, tmp_path):
    assert phantom_set.masks().shape == phantom_set.images().shape
    assert class_folders(tmp_path / "data", "plain", "ab", 1).masks() is None
