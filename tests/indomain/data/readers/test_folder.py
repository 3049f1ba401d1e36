"""Folders of images, by class or by a pattern."""

import numpy as np
import pytest
from pydantic import ValidationError

from indomain.data import readers
from indomain.data.dataset import open_dataset
from indomain.data.manifest import Manifest, load_manifest
from indomain.data.pool import Pool
from indomain.data.preparing import prepare
from indomain.data.readers.folder import list_files, pattern_regex, read
from indomain.errors import RequestError
from tests.indomain.data.made import image, manifest_of, save

SIZE = (16, 16)


def records(tmp_path, names: list[str], read: dict | None = None, **more) -> list[readers.Record]:
    """The records of a folder `x` with files of these names: images, but for those that end in .txt."""
    for number, name in enumerate(names):
        (tmp_path / "x" / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".txt"):
            (tmp_path / "x" / name).write_text("no image")
        else:
            save(tmp_path / "x" / name, image(number))
    return readers.read(manifest_of({"reader": "folder", "root": "x", **(read or {})}, **more), tmp_path, SIZE)


def test_folders_are_classes_and_other_files_are_passed_over(tmp_path):
    found = records(tmp_path, ["one/deep/1.png", "two/2.JPG", "two/notes.txt", "two/.hidden.png", "__MACOSX/two/2.png"])
    assert [(record.id, record.label) for record in found] == [("one/deep/1.png", "one"), ("two/2.JPG", "two")]


def test_folders_of_splits_lie_above_those_of_classes(tmp_path):
    found = records(tmp_path, ["Test/b/4.bmp", "train/a/1.png", "train/b/2.png", "valid/a/3.jpg"])
    assert [(record.split, record.label) for record in found] == [
        ("test", "b"),
        ("train", "a"),
        ("train", "b"),
        ("val", "a"),
    ]


def test_a_sets_own_words_for_its_splits_are_read(tmp_path):
    found = records(tmp_path, ["learn/a/1.png", "exam/b/2.png"], split_names={"learn": "train", "exam": "test"})
    assert {record.split for record in found} == {"train", "test"} and {record.label for record in found} == {"a", "b"}


def test_a_folder_beside_those_of_splits_is_asked_about(tmp_path):
    with pytest.raises(RequestError, match="holds split folders and also extra. Name it in split_names"):
        records(tmp_path, ["train/a/1.png", "test/b/1.png", "extra/a/1.png"])


def test_an_image_in_no_class_folder_is_refused_or_has_no_label_where_the_manifest_says_so(tmp_path):
    with pytest.raises(RequestError, match="1.png is not in a class folder. Expected CLASS/IMAGE"):
        records(tmp_path, ["1.png", "a/2.png"])
    assert [record.label for record in records(tmp_path, [], {"labelled": False})] == ["", ""]


def test_a_pattern_names_label_patient_part_and_view(tmp_path):
    pattern = r"XR_{body_part}/{patient:p\d+}_{view}_{label}.png"
    found = records(tmp_path, ["XR_HAND/p1_left_sick.png", "XR_HAND/p2_right_well.png"], {"pattern": pattern})
    assert [(one.patient, one.view, one.label, one.body_part) for one in found] == [
        ("p1", "left", "sick", "hand"),
        ("p2", "right", "well", "hand"),
    ]


def test_a_patterns_id_replaces_the_files_name(tmp_path):
    found = records(tmp_path, ["a/scan-7.png"], {"pattern": "{label}/scan-{id}.png"})
    assert [record.id for record in found] == ["7"]


def test_files_that_fit_no_pattern_are_left_out_with_the_reason_and_capitals_do_not_matter(tmp_path):
    found = records(tmp_path, ["a/1.PNG", "b/2.png", "stray.png"], {"pattern": "{label}/*.png"})
    assert [record.label for record in found] == ["a", "b", ""]
    with pytest.raises(ValueError, match=r"does not fit the pattern \{label\}/\*.png"):
        found[2].load()


def test_a_pattern_that_fits_nothing_is_refused_with_an_example(tmp_path):
    with pytest.raises(RequestError, match="none of the 2 images below .*; the first is 'a/1.png'"):
        records(tmp_path, ["a/1.png", "b/2.png"], {"pattern": "{label}/{patient}/*"})


@pytest.mark.parametrize(
    ("pattern", "name", "groups"),
    [
        ("{label}/*", "a/1.png", {"label": "a"}),
        ("{label}/*", "a/b/1.png", None),
        ("{patient}_{patient}.png", "7_7.png", {"patient": "7"}),
        ("{patient}_{patient}.png", "7_8.png", None),
        (r"{patient:\d{2,3}}-*", "123-x.png", {"patient": "123"}),
        ("a.b/{view}", "axb/1", None),
    ],
)
def test_a_pattern_matches_within_one_folders_name(pattern, name, groups):
    match = pattern_regex(pattern).fullmatch(name)
    assert (match.groupdict() if match else None) == groups


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("{color}/*", "names {color}; known: label, patient"), ("{label:(}/*", "not a valid regular expression")],
)
def test_a_wrong_pattern_is_refused(pattern, message):
    with pytest.raises(RequestError, match=message):
        pattern_regex(pattern)


def test_files_come_in_a_fixed_order(tmp_path):
    for name in ("b/2", "b/10", "a/x", "c"):
        save(tmp_path / f"{name}.png", image(0))
    assert [path.relative_to(tmp_path).as_posix() for path in list_files(tmp_path)] == [
        "c.png",
        "a/x.png",
        "b/10.png",
        "b/2.png",
    ]


MASKS = {"masks": "{folder}/{stem}_mask.png"}


def test_masks_are_found_by_their_names_and_are_no_images(tmp_path):
    mask = np.zeros((32, 32), np.uint8)
    mask[:10] = 255
    save(tmp_path / "x/a/1_mask.png", mask)
    found = records(tmp_path, ["a/1.png", "a/2.png", "b/1.png"], MASKS)
    assert [record.id for record in found] == ["a/1.png", "a/2.png", "b/1.png"]
    assert [record.mask is not None for record in found] == [True, False, False]
    assert np.array_equal(found[0].mask(), mask)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ("{stm}.png", "names 'stm'; known: stem, folder"),
        ("gone/{stem}.png", "matches no file; the first one expected is .*gone/1.png"),
    ],
)
def test_masks_that_cannot_be_found_are_refused(tmp_path, masks, message):
    with pytest.raises(RequestError, match=message):
        records(tmp_path, ["a/1.png"], {"masks": masks})


def test_a_folder_that_is_not_there_says_where_to_get_it(tmp_path):
    with pytest.raises(RequestError, match=r"mura: the folder is not there .*MURA-v1.1"):
        readers.read(load_manifest("mura")[0], tmp_path, SIZE)


def test_further_columns_of_a_path_reach_the_index_and_can_be_filtered_by(tmp_path):
    for site, sex, patient, label in [
        ("a", "f", "p1", "sick"),
        ("a", "m", "p2", "well"),
        ("b", "m", "p3", "sick"),
        ("b", "f", "p4", "well"),
    ]:
        save(tmp_path / f"scans/{site}/{label}/{sex}_{patient}.png", image(int(patient[1]), (20, 20)))
    content = {
        "name": "scans", "title": "Scans", "more": ["site", "sex"],
        "read": {"reader": "folder", "root": "scans", "pattern": "{site}/{label}/{sex}_{patient}.png"},
    }  # fmt: skip
    manifest = Manifest.model_validate(content)
    prepared = prepare(manifest, tmp_path, tmp_path / "cache", (20, 20), quiet=True)
    assert prepared.index()[["site", "sex"]].to_numpy().tolist() == [["a", "f"], ["a", "m"], ["b", "m"], ["b", "f"]]
    chosen = open_dataset(Pool.of(prepared), where={"site": ["b"]})
    assert chosen.index["patient"].tolist() == ["p3", "p4"]
    with pytest.raises(RequestError, match=r"names \{site\}; known: .*named by `more`"):
        read(Manifest.model_validate({**content, "more": ["sex"]}), tmp_path, (20, 20))
    with pytest.raises(ValidationError, match="is not a new column's name"):
        Manifest.model_validate({**content, "more": ["label"]})
