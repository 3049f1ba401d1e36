import numpy as np
import pandas as pd
import pytest
from PIL import Image

from indomain.data import readers
from indomain.data.dataset import open_dataset
from indomain.data.manifest import Manifest, load_manifest, manifest_names
from indomain.data.preparing import prepare
from indomain.data.readers.folder import pattern_regex
from indomain.errors import RequestError


def prepared(tmp_path, read, **more):
    manifest = Manifest.model_validate({"name": "given", "title": "given", "read": read, **more})
    return prepare(manifest, tmp_path, tmp_path / "cache", (8, 8), quiet=True)


def save(path, value=0, size=(12, 10), mode="L"):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.random.default_rng(value).integers(0, 256, size, dtype=np.uint8)
    Image.fromarray(picture).convert(mode).save(path)


def test_class_folders_with_and_without_splits(tmp_path):
    for number, name in enumerate(
        ["train/a/1.png", "train/b/2.png", "valid/a/3.jpg", "Test/b/4.bmp", "train/a/notes.txt"]
    ):
        save(tmp_path / "x" / name, number) if not name.endswith("txt") else (tmp_path / "x" / name).write_text(
            "no picture"
        )
    index = prepared(tmp_path, {"reader": "folder", "root": "x"}).index()
    assert dict(zip(index["id"], index["split"])) == {
        "Test/b/4.bmp": "test",
        "train/a/1.png": "train",
        "train/b/2.png": "train",
        "valid/a/3.jpg": "val",
    }
    save(tmp_path / "y" / "one" / "deep" / "1.png")
    save(tmp_path / "y" / "two" / "2.png", mode="RGB")
    done = prepared(tmp_path, {"reader": "folder", "root": "y"})
    assert list(done.index()["label"]) == ["one", "two"] and done.images().shape == (2, 8, 8, 3)


def test_a_pattern_names_label_patient_part_and_view(tmp_path):
    save(tmp_path / "XR_HAND" / "p1_left_sick.png")
    save(tmp_path / "XR_HAND" / "p2_right_well.png", 1)
    save(tmp_path / "XR_HAND" / "thumbnail.png", 2)
    done = prepared(tmp_path, {"reader": "folder", "pattern": r"XR_{part}/{patient:p\d+}_{view}_{label}.png"})
    index = done.index()
    assert index[["patient", "view", "label", "part"]].to_numpy().tolist() == [
        ["p1", "left", "sick", "hand"],
        ["p2", "right", "well", "hand"],
    ]
    with pytest.raises(RequestError, match="none of the 3 pictures"):
        prepared(tmp_path, {"reader": "folder", "pattern": "{label}/{patient}/*"})
    with pytest.raises(RequestError, match="names {color}"):
        pattern_regex("{color}/*")


def test_csv_columns_one_hot_labels_and_ids_that_look_like_numbers(tmp_path):
    for name in ("007", "008", "009"):
        save(tmp_path / "pictures" / f"{name}.png", int(name))
    table = pd.DataFrame(
        {"image": ["007", "008", "009"], "mel": [1.0, 0.0, 0.0], "bkl": [0, 1, 0], "who": ["a", "a", "b"]}
    )
    table.to_csv(tmp_path / "labels.csv", index=False)
    read = {
        "reader": "csv",
        "patient": "who",
        "label_columns": ["mel", "bkl"],
        "otherwise": "nevus",
        "tables": [{"file": "labels.csv", "images": "pictures/{image}.png", "split": "training"}],
    }
    index = prepared(tmp_path, read).index()
    assert index[["id", "label", "patient", "split"]].to_numpy().tolist() == [
        ["007", "mel", "a", "train"],
        ["008", "bkl", "a", "train"],
        ["009", "nevus", "b", "train"],
    ]
    with pytest.raises(RequestError, match="unknown column 'whom'. Did you mean 'who'"):
        prepared(tmp_path, {**read, "patient": "whom"})


def test_npz_split_and_unsplit(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
    labels = np.array([[0], [1]] * 3)
    np.savez(
        tmp_path / "split.npz",
        train_images=pictures[:4],
        train_labels=labels[:4],
        test_images=pictures[4:],
        test_labels=labels[4:],
    )
    done = prepared(tmp_path, {"reader": "npz", "file": "split.npz", "class_names": ["well", "sick"]})
    assert list(done.index()["split"]) == ["train"] * 4 + ["test"] * 2
    assert np.array_equal(done.images(), pictures[..., 0]) and list(done.index()["label"][:2]) == ["well", "sick"]
    groups = np.array(["p1", "p1", "p2", "p2", "p3", "p3"])
    np.savez(
        tmp_path / "whole.npz",
        images=pictures[..., 0],
        labels=labels[:, 0],
        groups=groups,
        ids=np.array(list("aabbcc")),
    )
    index = prepared(tmp_path, {"reader": "npz", "file": "whole.npz"}).index()
    assert list(index["patient"]) == list(groups) and index["id"].is_unique
    np.savez(tmp_path / "objects.npz", images=pictures[..., 0], labels=np.array([{}] * 6, dtype=object))
    with pytest.raises(RequestError, match="without unpickling"):
        prepared(tmp_path, {"reader": "npz", "file": "objects.npz"})
    np.savez(tmp_path / "float.npz", images=pictures / 255.0)
    with pytest.raises(RequestError, match="float64"):
        prepared(tmp_path, {"reader": "npz", "file": "float.npz"})


@pytest.mark.parametrize("file_format", ["array_record", "tfrecord"])
def test_tfds_reads_a_local_builder(tmp_path, file_format):
    import tensorflow_datasets as tfds

    with tfds.core.registered.skip_registration():

        class TwoShades(tfds.core.GeneratorBasedBuilder):
            VERSION = tfds.core.Version("1.0.0")

            def _info(self):
                features = {
                    "image": tfds.features.Image(shape=(8, 8, 1)),
                    "label": tfds.features.ClassLabel(names=["dark", "light"]),
                }
                return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

            def _split_generators(self, manager):
                return {"train": self._pictures(0), "test": self._pictures(1)}

            def _pictures(self, start):
                for number in range(4):
                    shade = np.full((8, 8, 1), 40 + 150 * (number % 2) + start + number, np.uint8)
                    yield number, {"image": shade, "label": number % 2}

            def _generate_examples(self):
                raise AssertionError("not used")

    folder = tmp_path / "tensorflow_datasets"
    TwoShades(data_dir=folder, file_format=file_format).download_and_prepare()
    done = prepared(tmp_path, {"reader": "tfds", "dataset": "two_shades", "download": False})
    assert done.images().shape == (8, 8, 8) and set(done.index()["label"]) == {"dark", "light"}
    assert list(done.index()["split"]) == ["train"] * 4 + ["test"] * 4
    for label, picture in zip(done.index()["label"], done.images()):
        assert (picture.mean() > 128) == (label == "light")


def test_a_prepared_set_is_made_once_and_known_by_its_pixels(tmp_path):
    save(tmp_path / "x/a/1.png")
    save(tmp_path / "x/b/2.png", 1)
    first = prepared(tmp_path, {"reader": "folder", "root": "x"})
    again = prepared(tmp_path, {"reader": "folder", "root": "x"})
    assert again.folder == first.folder
    moved = tmp_path / "elsewhere"
    (tmp_path / "x").rename(moved)
    assert prepared(tmp_path, {"reader": "folder", "root": "elsewhere"}).digest == first.digest
    save(moved / "b/3.png", 2)
    assert prepared(tmp_path, {"reader": "folder", "root": "elsewhere"}).digest != first.digest


def test_every_shipped_manifest_is_valid_and_names_its_source():
    for name in manifest_names():
        manifest, _ = load_manifest(name)
        assert manifest.name == name and manifest.title and manifest.citation, name


def test_missing_data_say_where_to_get_them(tmp_path):
    manifest, _ = load_manifest("ham10000")
    with pytest.raises(RequestError, match="doi.org/10.7910/DVN/DBW86T"):
        prepare(manifest, tmp_path, tmp_path / "cache", (8, 8), quiet=True)


def test_subsets_and_unknown_ones(phantom_set):
    assert set(open_dataset(phantom_set, "hand").index["part"]) == {"hand"}
    with pytest.raises(RequestError, match="Did you mean 'hand'"):
        open_dataset(phantom_set, "hands")


def test_npz_labels_of_other_peoples_archives(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8)
    names = np.array(["well", "sick"])
    cases = [
        (np.array([0, 1, -1, 1]), ["well", "sick", "", "sick"]),
        (np.array([0.0, 1.0, np.nan, 1.0]), ["well", "sick", "", "sick"]),
        (np.array(["well", "sick", "sick", "well"]), ["well", "sick", "sick", "well"]),
        (np.array([b"a", b"b", b"b", b"a"]), ["a", "b", "b", "a"]),
    ]
    for number, (labels, expected) in enumerate(cases):
        groups = np.array([1.0, np.nan, 2.0, 2.0])
        np.savez(tmp_path / f"{number}.npz", images=pictures, labels=labels, groups=groups, class_names=names)
        index = prepared(tmp_path, {"reader": "npz", "file": f"{number}.npz"}).index()
        assert list(index["label"]) == expected and list(index["patient"]) == ["1", "", "2", "2"]
    (tmp_path / "junk.npz").write_bytes(b"junk")
    with pytest.raises(RequestError, match="not a readable"):
        prepared(tmp_path, {"reader": "npz", "file": "junk.npz"})


def test_csv_tables_that_number_alike_and_paths_from_columns(tmp_path):
    for split in ("train", "test"):
        for patient in ("p1", "p2"):
            save(tmp_path / split / f"{split}{patient}" / "1.png", len(split + patient))
        who = [f"{split}p1", f"{split}p2"]
        pd.DataFrame({"image": ["1", "1"], "who": who, "dx": ["True", "no"]}).to_csv(
            tmp_path / f"{split}.csv", index=False
        )
    tables = [
        {"file": f"{split}.csv", "images": split + "/{who}/{image}.png", "split": split} for split in ("train", "test")
    ]
    read = {"reader": "csv", "patient": "who", "label_columns": ["dx"], "otherwise": "none", "tables": tables}
    index = prepared(tmp_path, read).index()
    assert (
        index["id"].is_unique
        and list(index["label"]) == ["dx", "none"] * 2
        and set(index["split"]) == {"train", "test"}
    )
    wrong = [{**tables[0], "images": "{whom}.png"}]
    with pytest.raises(RequestError, match="whom"):
        prepared(tmp_path, {**read, "tables": wrong})
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(RequestError, match="not a table"):
        prepared(tmp_path, {**read, "tables": [{"file": "empty.csv"}]})


def test_files_that_fit_no_pattern_are_named_and_capitals_do_not_matter(tmp_path):
    save(tmp_path / "x" / "a" / "1.PNG")
    save(tmp_path / "x" / "b" / "2.png", 1)
    save(tmp_path / "x" / "stray.png", 2)
    done = prepared(tmp_path, {"reader": "folder", "root": "x", "pattern": "{label}/*.png"})
    assert list(done.index()["label"]) == ["a", "b"]
    assert "stray.png" in done.unreadable()["file"][0] and "pattern" in done.unreadable()["reason"][0]


def test_a_folder_beside_split_folders_is_asked_about(tmp_path):
    for name in ("train/a/1.png", "test/b/1.png", "extra/a/1.png"):
        save(tmp_path / "x" / name)
    with pytest.raises(RequestError, match="extra"):
        prepared(tmp_path, {"reader": "folder", "root": "x"})


def test_a_new_manifest_tells_patients_from_other_folders(tmp_path, capsys):
    from indomain.data.new_manifest import write

    for label in ("sick", "well"):
        for kind in ("images", "masks"):
            for number in range(6):
                save(tmp_path / "kinds" / label / kind / f"{number}.png", number)
        for number in range(12):
            save(tmp_path / "people" / label / f"p{label}{number // 2}" / f"{number}.png", number)
            save(tmp_path / "names" / label / f"patient{label}{number // 2}_{number % 2}.png", number)
            save(tmp_path / "plain" / label / f"IMG_{number}.png", number)
    for folder, patients in (("kinds", 0), ("people", 12), ("names", 12), ("plain", 0)):
        path = write(tmp_path / folder, tmp_path / f"{folder}.toml")
        manifest, _ = load_manifest(str(path))
        done = prepare(manifest, tmp_path, tmp_path / "cache", (8, 8), quiet=True)
        found = set(done.index()["patient"]) - {""}
        assert len(found) == patients and set(done.index()["label"]) == {"sick", "well"}, folder
        assert manifest.labels.positive == "sick"


def test_masks_are_found_by_their_names_and_are_no_pictures(tmp_path):
    from PIL import Image

    for number in range(3):
        picture = np.full((20, 20), 50 * number, np.uint8)
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir(exist_ok=True)
            Image.fromarray(picture).save(tmp_path / folder / f"p{number}.png")
    mask = np.zeros((20, 20), np.uint8)
    mask[:10] = 255
    Image.fromarray(mask).save(tmp_path / "a/p1_mask.png")
    read = {"reader": "folder", "masks": "{folder}/{stem}_mask.png"}
    manifest = Manifest.model_validate({"name": "m", "title": "M", "read": read})
    done = prepare(manifest, tmp_path, tmp_path / "cache", (20, 20), quiet=True)
    index, masks = done.index(), done.masks()
    assert len(index) == 6 and set(index["label"]) == {"a", "b"}
    assert [bool(one.any()) for one in masks] == [name == "a/p1.png" for name in index["id"]]
    assert (masks[index["id"] == "a/p1.png"][0] > 0).tolist() == (mask > 0).tolist()
    wrong = Manifest.model_validate({"name": "m", "title": "M", "read": {**read, "masks": "{stm}.png"}})
    with pytest.raises(RequestError, match="known: stem, folder"):
        readers.read(wrong, tmp_path, (20, 20))
    (tmp_path / "table.csv").write_text("image,label\na/p1,x\nb/p1,y\n")
    tables = [{"file": "table.csv", "images": "{image}.png", "masks": "{image}_mask.png"}]
    csv = {"reader": "csv", "tables": tables, "label": "label"}
    found = readers.read(Manifest.model_validate({"name": "c", "title": "C", "read": csv}), tmp_path, (20, 20))
    assert [record.mask is not None for record in found] == [True, False] and found[0].mask().max() == 255
