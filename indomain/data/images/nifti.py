"""Slices of NIfTI volumes (the extra `nifti`): axial ones, from the feet to the head, shown as radiologists see them."""

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from indomain.data.images.values import UnreadableImage, check_size, stretched

SUFFIXES = (".nii", ".nii.gz")


def is_nifti(path: Path) -> bool:
    """Whether a file is one, by its name.

    Args:
        path: the file.
    """
    return path.name.lower().endswith(SUFFIXES)


def slices(path: Path, which: str) -> list[np.ndarray]:
    """Axial slices of a volume, uint8 (H, W); of several volumes in a file the first.

    The patient's right is left in them, the front is up. The volume's own range becomes 0–255.

    Args:
        path: the file.
        which: the "first", the "middle" one, or "all".

    Raises:
        UnreadableImage: nibabel is not installed, the file is no volume, or it has too many voxels.
    """
    if importlib.util.find_spec("nibabel") is None:
        raise UnreadableImage("a NIfTI volume, which needs nibabel: pip install 'indomain-pretraining[nifti]'")
    import nibabel

    image: Any = nibabel.load(path)  # type: ignore[attr-defined]
    shape = image.shape
    if len(shape) < 3:
        raise UnreadableImage(f"a NIfTI file of {len(shape)} dimensions, not a volume")
    check_size(int(np.prod(shape[:3])))
    # Right to left, back to front, feet to head.
    volume = np.asarray(nibabel.as_closest_canonical(image).dataobj)  # type: ignore[attr-defined]
    volume = volume.reshape(*volume.shape[:3], -1)[..., 0].astype(np.float64)
    values: np.ndarray = stretched(volume.reshape(len(volume), -1)).reshape(volume.shape)
    count = int(np.shape(values)[2])
    chosen = {"first": [0], "middle": [count // 2]}.get(which, list(range(count)))
    return [np.ascontiguousarray(values[::-1, ::-1, number].T) for number in chosen]
