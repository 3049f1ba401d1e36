"""MATLAB 7.3 files, made here in the layout of figshare's brain tumours."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from indomain.data import audit
from indomain.data.dataset import open_dataset
from indomain.data.images.decoding import UnreadableImage
from indomain.data.manifest import load_manifest
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
    (tmp_path / "figshare_brain/cvind.mat").write_bytes(b"folds")
    return tmp_path


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
