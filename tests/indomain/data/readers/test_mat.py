"""MATLAB 7.3 files, made here in the layout of figshare's brain tumours."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from indomain.data import audit, folds, leakage
from indomain.data.dataset import open_dataset
from indomain.data.images.decoding import UnreadableImage
from indomain.data.manifest import load_manifest
from indomain.data.options import SplitOptions
from indomain.data.pool import Pool
from indomain.data.preparing import prepare
from indomain.data.readers import mat
from indomain.errors import RequestError

# Name of the file -> label and patient; PIDs are numbers or words, filled up with zeros.
FILES = {"1": (1, "100360"), "2": (2, "100360"), "10": (3, "MR017260F"), "3": (2, "MR031498B")}


def image_of(number: int) -> np.ndarray:
    """An image that is not square, of raw values, with one bright corner, and its mask there."""
    image = np.random.default_rng(number).integers(0, 900, (24, 16)).astype(np.int16)
    image[:4, :6] = 2000 + number
    return image


def write(path: Path, label: float, patient: str, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["cjdata/image"] = image.T
        file["cjdata/tumorMask"] = (image > 1999).astype(np.uint8).T
        file["cjdata/label"] = np.array([[label]])
        codes = [ord(letter) for letter in patient] + [0, 0]
        file["cjdata/PID"] = np.array(codes, np.uint16)[:, None]


@pytest.fixture
def data(tmp_path) -> Path:
    for name, (label, patient) in FILES.items():
        write(tmp_path / f"figshare_brain/brainTumorDataPublic_1-766/{name}.mat", label, patient, image_of(int(name)))
    return tmp_path


def leave_folds(data: Path, older: bool) -> None:
    """The authors' folds, of ten images, in a file of MATLAB 7.3 or of before."""
    numbers, path = np.array([[1, 2, 1, 1, 1, 2, 1, 1, 1, 2]]), data / "figshare_brain/cvind.mat"
    if older:
        scipy.io.savemat(path, {"cvind": numbers.T})
    else:
        with h5py.File(path, "w") as file:
            file["cvind"] = numbers.astype(float)


def records(data):
    return mat.read(load_manifest("figshare_brain")[0], data, (16, 16))


def test_labels_and_patients_are_read_in_the_order_of_the_numbers(data):
    found = records(data)
    assert [Path(record.id).name for record in found] == ["1", "2", "3", "10"]
    assert [record.label for record in found] == ["1", "2", "2", "3"]
    assert [record.patient for record in found] == ["100360", "100360", "MR031498B", "MR017260F"]


def test_images_are_turned_back_and_stretched_and_masks_lie_on_what_they_mark(data):
    first = records(data)[0]
    image, mask = np.asarray(first.load()), first.mask()
    assert image.shape == mask.shape == (24, 16) and image.dtype == np.uint8 and (image.min(), image.max()) == (0, 255)
    assert (mask[:4, :6] == 255).all() and mask[4:].max() == 0 and (image[mask == 255] == 255).all()


def test_a_prepared_set_has_its_classes_and_tells_a_partial_copy(data, tmp_path):
    manifest, _ = load_manifest("figshare_brain")
    dataset = open_dataset(Pool.of(prepare(manifest, data, tmp_path / "cache", (16, 16), quiet=True)))
    assert dataset.class_names == ("meningioma", "glioma", "pituitary") and dataset.has_patients
    assert audit.missing_images(dataset.pool)


def test_a_file_of_another_layout_is_named_with_what_it_has(data):
    with h5py.File(data / "figshare_brain/99.mat", "w") as file:
        file["other/picture"] = np.zeros((2, 2))
    with pytest.raises(RequestError, match=r"99.mat has no cjdata/label; it has other/picture. Name what"):
        records(data)


def test_a_file_of_before_matlab_73_is_refused_with_the_way_out(data):
    (data / "figshare_brain/99.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    with pytest.raises(RequestError, match=r"99.mat is not a file of MATLAB 7.3, or is damaged. .*-v7.3"):
        records(data)


def test_a_label_that_is_no_number_is_refused(data):
    write(data / "figshare_brain/99.mat", float("nan"), "x", image_of(1))
    with pytest.raises(RequestError, match="99.mat: cjdata/label is not one number"):
        records(data)


def test_a_stack_of_slices_is_no_image(data):
    path = data / "figshare_brain/brainTumorDataPublic_1-766/1.mat"
    with h5py.File(path, "a") as file:
        del file["cjdata/image"]
        file["cjdata/image"] = np.zeros((3, 4, 5))
    with pytest.raises(UnreadableImage, match="cjdata/image has 3 dimensions"):
        records(data)[0].load()


def test_a_folder_that_is_not_there_says_where_to_get_it(tmp_path):
    with pytest.raises(RequestError, match="figshare.com/articles/1512427"):
        records(tmp_path)


@pytest.fixture
def whole(data):
    """Ten images, as many as the folds below are of."""
    for number in range(4, 10):
        write(
            data / f"figshare_brain/brainTumorDataPublic_1-766/{number}.mat",
            number % 3 + 1,
            f"P{number}",
            image_of(number),
        )
    return data


@pytest.mark.parametrize("older", [False, True])
def test_the_authors_folds_are_read_by_the_number_in_a_files_name(whole, older):
    leave_folds(whole, older)
    found = {Path(record.id).name: record.split for record in records(whole)}
    assert (found["1"], found["2"], found["3"], found["10"]) == ("fold1", "fold2", "fold1", "fold2")


def test_without_the_file_there_are_no_published_folds(data):
    assert {record.split for record in records(data)} == {""}


def test_folds_of_another_number_of_images_or_none_are_refused(data):
    leave_folds(data, False)
    with pytest.raises(
        RequestError, match=r"cvind.mat has the folds of 10 images, and below .* are 4. Complete the set"
    ):
        records(data)
    (data / "figshare_brain/cvind.mat").write_bytes(b"folds")
    with pytest.raises(RequestError, match=r"cvind.mat has no array cvind that can be read"):
        records(data)


def test_a_split_follows_published_folds_and_a_patient_on_both_sides_is_a_leak(whole, tmp_path):
    leave_folds(whole, False)
    manifest, _ = load_manifest("figshare_brain")
    dataset = open_dataset(Pool.of(prepare(manifest, whole, tmp_path / "cache", (16, 16), quiet=True)))
    table = folds.draw(dataset, SplitOptions(scheme="published", validated=False))
    tested = {
        fold: sorted(int(Path(one).name) for one in part["id"])
        for fold, part in table[table["split"] == "test"].groupby("fold")
    }
    assert tested == {0: [1, 3, 4, 5, 7, 8, 9], 1: [2, 6, 10]}
    # Images 1 and 2 are of one patient, in two folds.
    assert set(leakage.leaks(dataset, table)["kind"]) >= {"same patient"}
    assert any(finding == "patient overlap" for finding in audit.findings(dataset, [])["kind"])


def test_a_set_without_published_folds_says_what_to_do(data, tmp_path):
    manifest, _ = load_manifest("figshare_brain")
    dataset = open_dataset(Pool.of(prepare(manifest, data, tmp_path / "cache", (16, 16), quiet=True)))
    with pytest.raises(RequestError, match=r"no published folds. Put the file.*scheme = \"kfold\""):
        folds.draw(dataset, SplitOptions(scheme="published"))
    # A source learns from folds as from images without an official split.
    assert set(folds.draw_source(dataset, ["train"], 0.0, 0, True)["split"]) == {"train"}
