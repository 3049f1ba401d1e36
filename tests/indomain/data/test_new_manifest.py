"""`indomain data new`: a manifest written by looking at a folder."""

from pathlib import Path

import numpy as np
import pytest

from indomain.data.manifest import Manifest, load_manifest
from indomain.data.new_manifest import write
from indomain.data.prepared import PreparedSet
from indomain.data.preparing import prepare
from indomain.errors import RequestError
from tests.indomain.data.made import image, save


def looked_at(here: Path, names: list[str]) -> tuple[Manifest, PreparedSet]:
    """The manifest for a folder `mine` of images with these names, and the set prepared from it."""
    for number, name in enumerate(names):
        save(here / "mine" / name, image(number))
    manifest, _ = load_manifest(str(write(here / "mine", here / "mine.toml")))
    return manifest, prepare(manifest, here, here / "cache", (8, 8), quiet=True)


LABELS = ("sick", "well")
FOLDERS = {
    "images and masks are no patients": (
        [f"{label}/{kind}/{n}.png" for label in LABELS for kind in ("images", "masks") for n in range(6)], 0,
    ),
    "folders of two images each are": (
        [f"{label}/p{label}{n // 2}/{n}.png" for label in LABELS for n in range(12)], 12,
    ),
    "words with a number before a view are": (
        [f"{label}/patient{label}{n // 2}_{n % 2}.png" for label in LABELS for n in range(12)], 12,
    ),
    "a camera's numbers are none": ([f"{label}/IMG_{n}.png" for label in LABELS for n in range(12)], 0),
}  # fmt: skip


def test_names_are_read_as_coarsely_as_leaves_enough_patients_and_three_are_shown(here, capsys):
    sides = [(n, side, view) for n in range(24) for side in ("left", "right") for view in range(2)]
    names = [f"{LABELS[n % 2]}/case{n:02}_{side}_{view}.png" for n, side, view in sides]
    _, prepared = looked_at(here, names)
    # 24 people rather than their 48 knees.
    assert prepared.index()["patient"].nunique() == 24
    said = capsys.readouterr().out
    assert "case00_left_0 → patient case00" in said and said.count("→ patient case") == 3


@pytest.mark.parametrize("what", FOLDERS)
def test_patients_are_told_from_other_folders_and_names(here, what):
    names, patients = FOLDERS[what]
    _, prepared = looked_at(here, names)
    assert len(set(prepared.index()["patient"]) - {""}) == patients and len(prepared.index()) == len(names)


def test_classes_and_splits_are_the_folders(here):
    manifest, prepared = looked_at(
        here, [f"{split}/{label}/{n}.png" for split in ("Train", "test") for label in LABELS for n in range(2)]
    )
    assert manifest.labels.classes == {"sick": ["sick"], "well": ["well"]}
    assert prepared.index().groupby(["split", "label"]).size().to_dict() == {
        (split, label): 2 for split in ("train", "test") for label in LABELS
    }


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        ("benign malignant", "malignant"),
        ("Ulcer normal", "Ulcer"),
        ("non-COVID COVID", "COVID"),
        ("a b", "b"),
        ("a b c", None),
    ],
)
def test_the_positive_class_of_two_is_the_finding(here, classes, positive):
    manifest, _ = looked_at(here, [f"{label}/{n}.png" for label in classes.split() for n in range(2)])
    assert manifest.labels.positive == positive


def test_images_without_class_folders_have_no_labels(here):
    manifest, prepared = looked_at(here, ["1.png", "2.png", "deep/3.png"])
    assert not manifest.labels.classes and set(prepared.index()["label"]) == {""} and len(prepared.index()) == 3


def test_what_was_assumed_is_said_and_stands_in_the_file(here, capsys):
    looked_at(here, [f"{label}/{n}.png" for label in LABELS for n in range(2)])
    said, text = capsys.readouterr().out, (here / "mine.toml").read_text()
    for sentence in (
        "4 images: 4 .png.",
        "Classes: sick (2), well (2).",
        "Positive class: sick.",
        "No patients are named",
    ):
        assert f"  - {sentence}" in said and f"#   {sentence}" in text
    assert f"Next: indomain data check {here / 'mine.toml'}" in said


def test_an_archive_is_looked_at_for_classes_and_patients(here):
    images = np.stack([image(n, (8, 8)) for n in range(4)])
    np.savez(here / "my scans.npz", images=images, labels=np.array(["no", "yes"] * 2), groups=np.array([1, 1, 2, 2]))
    path = write(here / "my scans.npz")
    manifest, _ = load_manifest(str(path))
    index = prepare(manifest, here / "elsewhere", here / "cache", (8, 8), quiet=True).index()
    assert path.name == "my_scans.toml" and manifest.labels.positive == "yes"
    assert index["label"].tolist() == ["no", "yes"] * 2 and index["patient"].tolist() == ["1", "1", "2", "2"]


@pytest.mark.parametrize("name", ['quo"ted', "back\\slash", "it's", "both\"'", "tab\there"])
def test_any_name_of_a_class_survives_the_file(here, name):
    manifest, prepared = looked_at(here, [f"{label}/{n}.png" for label in (name, "other") for n in range(2)])
    assert set(manifest.labels.classes) == {name, "other"} == set(prepared.index()["label"])


def test_a_folder_outside_the_data_folder_may_be_read(here):
    manifest, prepared = looked_at(here, [f"{label}/{n}.png" for label in LABELS for n in range(2)])
    again = prepare(manifest, here / "another/data", here / "cache", (8, 8), quiet=True)
    assert manifest.read.outside and again.folder == prepared.folder


def test_nothing_is_overwritten(here):
    (here / "mine.toml").write_text("mine")
    save(here / "mine/a/1.png", image(1))
    with pytest.raises(RequestError, match="mine.toml already exists; name another file with --output"):
        write(here / "mine")
    assert (here / "mine.toml").read_text() == "mine"


@pytest.mark.parametrize(("folder", "message"), [("gone", "no folder gone"), ("empty", "no image below empty .*.png")])
def test_nothing_to_look_at_is_said(here, folder, message):
    (here / "empty").mkdir()
    with pytest.raises(RequestError, match=message):
        write(Path(folder))
