"""NumPy archives in MedMNIST's layout."""

import numpy as np
import pytest

from indomain.data.readers import Record, npz
from indomain.errors import RequestError
from tests.indomain.data.made import manifest_of

IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8)


def records(tmp_path, read: dict | None = None, **arrays) -> list[Record]:
    """The records of an archive of these arrays."""
    np.savez(tmp_path / "x.npz", **arrays)
    return npz.read(manifest_of({"reader": "npz", "file": "x.npz", **(read or {})}), tmp_path, (8, 8))


def test_an_archive_with_splits_is_read_split_by_split(tmp_path):
    labels = np.array([[0], [1]])  # as MedMNIST has them
    arrays = {"train_images": IMAGES[:2, ..., None], "train_labels": labels}
    arrays |= {"test_images": IMAGES[2:, ..., None], "test_labels": labels}
    found = records(tmp_path, {"class_names": ["well", "sick"]}, **arrays)
    assert [(record.split, record.label) for record in found] == [
        ("train", "well"),
        ("train", "sick"),
        ("test", "well"),
        ("test", "sick"),
    ]
    assert all(np.array_equal(record.load(), pixels) and record.grey() for record, pixels in zip(found, IMAGES))


def test_an_archive_without_splits_names_groups_and_ids(tmp_path):
    found = records(tmp_path, images=IMAGES, groups=np.array([7, 7, 8, 8]), ids=np.array(["a", "b", "c", "d"]))
    assert [(record.id, record.patient, record.split) for record in found] == [
        ("a", "7", ""),
        ("b", "7", ""),
        ("c", "8", ""),
        ("d", "8", ""),
    ]


def test_ids_that_repeat_are_told_apart_by_their_place(tmp_path):
    found = records(tmp_path, images=IMAGES, ids=np.array(["a", "a", "b", "b"]))
    assert [record.id for record in found] == ["a#0", "a#1", "b#2", "b#3"]


def test_the_same_stem_in_two_splits_is_two_images(tmp_path):
    ids = {"train_ids": np.array(["1", "2"]), "test_ids": np.array(["1", "2"])}
    found = records(tmp_path, train_images=IMAGES[:2], test_images=IMAGES[2:], **ids)
    assert [record.id for record in found] == ["train/1", "train/2", "test/1", "test/2"]


def test_colour_is_told_from_the_shape(tmp_path):
    found = records(tmp_path, images=np.repeat(IMAGES[..., None], 3, axis=-1))
    assert not found[0].grey() and found[0].load().shape == (8, 8, 3)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.array([0, 1, -1, 1]), ["well", "sick", "", "sick"]),
        (np.array([0.0, 1.0, np.nan, 1.0]), ["well", "sick", "", "sick"]),
        (np.array(["well", "sick", "sick", "well"]), ["well", "sick", "sick", "well"]),
        (np.array([b"a", b"b", b"b", b"a"]), ["a", "b", "b", "a"]),
    ],
)
def test_labels_of_other_peoples_archives(tmp_path, labels, words):
    found = records(tmp_path, images=IMAGES, labels=labels, class_names=np.array(["well", "sick"]))
    assert [record.label for record in found] == words


def test_groups_that_are_not_known_are_empty(tmp_path):
    found = records(tmp_path, images=IMAGES, groups=np.array([1.0, np.nan, 2.0, 2.0]))
    assert [record.patient for record in found] == ["1", "", "2", "2"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": IMAGES / 255.0}, r"images is float64 of shape \(4, 8, 8\); expected uint8"),
        ({"images": IMAGES[0]}, r"images is uint8 of shape \(8, 8\)"),
        ({"pictures": IMAGES}, "it contains neither 'images' nor 'train_images'. Found: pictures"),
        ({"images": IMAGES, "labels": np.array([0, 1])}, "labels has 2 entries for 4 images"),
        (
            {"images": IMAGES, "labels": np.array([0, 1, 2, 0]), "class_names": np.array(["a", "b"])},
            "label 2 has no name among a, b",
        ),
        ({"images": IMAGES, "labels": np.array([0.5, 1, 0, 1])}, "labels holds fractions"),
        (
            {"images": IMAGES, "labels": np.zeros((4, 2), int)},
            r"labels has shape \(4, 2\); expected one entry per image",
        ),
    ],
)
def test_an_archive_that_cannot_be_meant_is_refused(tmp_path, arrays, message):
    with pytest.raises(RequestError, match=f"x.npz: .*{message}"):
        records(tmp_path, **arrays)


@pytest.mark.parametrize("name", ["labels", "groups", "ids", "class_names"])
def test_nothing_is_unpickled(tmp_path, name):
    with pytest.raises(RequestError, match=f"{name} cannot be read without unpickling"):
        records(tmp_path, images=IMAGES, **{name: np.array([{}] * 4, dtype=object)})


def test_what_is_no_archive_or_not_there_is_named(tmp_path):
    asked = manifest_of({"reader": "npz", "file": "junk.npz"})
    with pytest.raises(RequestError, match="the file is not there .*junk.npz"):
        npz.read(asked, tmp_path, (8, 8))
    (tmp_path / "junk.npz").write_bytes(b"junk")
    with pytest.raises(RequestError, match="junk.npz: not a readable .npz archive"):
        npz.read(asked, tmp_path, (8, 8))
