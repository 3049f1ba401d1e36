"""What all readers promise: records in a fixed order, nothing decoded, ids that differ."""

from pathlib import Path

import numpy as np
import pytest

from indomain.data import readers
from indomain.data.images.decoding import UnreadableImage
from indomain.data.readers import READERS, Record, mask_in
from indomain.errors import RequestError, look_up
from tests.indomain.data.made import image, manifest_of, save


@pytest.mark.parametrize("name", READERS)
def test_every_registered_reader_is_a_function_and_a_word_of_the_manifest(name):
    assert callable(look_up(READERS, name, "reader"))
    least = {
        "csv": {"tables": []},
        "npz": {"file": "x.npz"},
        "tfds": {"dataset": "x"},
        "mat": {"image": "x", "label": "y"},
    }
    assert manifest_of({"reader": name, **least.get(name, {})}).read.reader == name


def test_nothing_is_decoded_before_it_is_asked_for(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.png").write_bytes(b"no image")
    (record,) = readers.read(manifest_of({"reader": "folder"}), tmp_path, (8, 8))
    with pytest.raises(UnreadableImage, match="not an image"):
        record.load()


def test_two_images_with_one_id_are_refused(tmp_path):
    for label in ("a", "b"):
        save(tmp_path / label / "7.png", image(1))
    with pytest.raises(RequestError, match="given: the image id '7' occurs more than once"):
        readers.read(manifest_of({"reader": "folder", "pattern": "{label}/{id}.png"}), tmp_path, (8, 8))


def test_a_folder_without_images_is_like_none(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(RequestError, match="given: no image was found there"):
        readers.read(manifest_of({"reader": "folder"}), tmp_path, (8, 8))


def test_a_record_of_a_file_knows_what_its_reader_found_and_no_more(tmp_path):
    save(tmp_path / "1.png", image(1))
    record = Record.of_file(tmp_path / "1.png", "one", (8, 8), {"label": "a", "view": "ap"})
    assert (record.id, record.label, record.view, record.patient, record.split) == ("one", "a", "ap", "", "")
    assert record.grey() and np.array_equal(np.asarray(record.load()), image(1))


def test_a_file_that_is_left_out_says_why_when_it_is_read():
    record = Record.not_read(Path("x.png"), "x", "fits no pattern")
    with pytest.raises(UnreadableImage, match="fits no pattern"):
        record.load()
    assert record.file == "x.png" and record.grey()


def test_a_mask_is_what_is_brighter_than_half_grey_or_in_colour(tmp_path):
    grey = np.array([[0, 127], [128, 255]], np.uint8)
    save(tmp_path / "grey.png", grey)
    save(tmp_path / "red.png", np.dstack([grey, grey * 0, grey * 0]))
    for name in ("grey", "red"):
        assert mask_in(tmp_path / f"{name}.png")().tolist() == [[0, 0], [255, 255]]
    assert mask_in(tmp_path / "gone.png") is None
