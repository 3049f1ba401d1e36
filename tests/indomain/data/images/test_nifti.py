"""Slices of volumes: the patient's right is left, the front is up, and one range holds for all slices."""

import importlib.util

import nibabel
import numpy as np
import pytest

from indomain.data.images import nifti
from indomain.data.images.decoding import frames, is_grey
from indomain.data.images.values import UnreadableImage


def write(path, values, affine=None):
    nibabel.save(nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine), path)
    return path


@pytest.fixture
def volume():
    """Four axial slices of 6 × 8, brighter to the patient's right and to the head, with one bright spot at the front."""
    values = np.zeros((6, 8, 4), np.float32)
    values += 10 * np.arange(6)[:, None, None] + 30 * np.arange(4)[None, None]
    values[3, 7] = 255
    return values


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_slices_are_shown_as_radiologists_see_them(tmp_path, volume, name):
    path = write(tmp_path / name, volume)
    found = [np.asarray(image) for image in frames(path, "all")]
    assert len(found) == 4 and found[0].shape == (8, 6) and is_grey(path)
    # Brighter to the right of the patient, which is left in the picture; the front is up; to the head the slices get brighter.
    assert found[0][5, 0] > found[0][5, 5]
    assert (found[0][0] == found[0].max()).any() and found[1][5].mean() > found[0][5].mean()


def test_the_orientation_of_the_file_does_not_matter(tmp_path, volume):
    turned = np.diag([-1, -1, 1, 1]).astype(float)
    one = write(tmp_path / "one.nii", volume)
    two = write(tmp_path / "two.nii", volume[::-1, ::-1], turned)
    for first, second in zip(frames(one, "all"), frames(two, "all")):
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


def test_the_rule_chooses_and_one_range_holds_for_all(tmp_path, volume):
    path = write(tmp_path / "a.nii", volume)
    every = nifti.slices(path, "all")
    np.testing.assert_array_equal(nifti.slices(path, "middle")[0], every[2])
    np.testing.assert_array_equal(nifti.slices(path, "first")[0], every[0])
    assert min(image.min() for image in every) == 0 and max(image.max() for image in every) == 255 > every[0][5].max()


def test_several_volumes_give_the_first(tmp_path, volume):
    path = write(tmp_path / "a.nii", np.stack([volume, 2 * volume], axis=-1))
    np.testing.assert_array_equal(
        nifti.slices(path, "first")[0], nifti.slices(write(tmp_path / "b.nii", volume), "first")[0]
    )


def test_what_cannot_be_read_says_why(tmp_path, volume, monkeypatch):
    flat = write(tmp_path / "flat.nii", volume[..., 0])
    with pytest.raises(UnreadableImage, match="2 dimensions, not a volume"):
        frames(flat, "first")
    path = write(tmp_path / "a.nii", volume)
    monkeypatch.setattr("indomain.data.images.values.MAX_PIXELS", 10)
    with pytest.raises(UnreadableImage, match="192 pixels; at most 10"):
        frames(path, "first")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "nibabel" else found(name, *more)
    )
    with pytest.raises(UnreadableImage, match=r"needs nibabel: pip install 'indomain-pretraining\[nifti\]'"):
        frames(path, "first")
