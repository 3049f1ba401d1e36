"""Reads NumPy archives in MedMNIST's layout.

The arrays are `train_images`, `train_labels`, `val_images` ..., or `images` and `labels`. Optional arrays with the same
prefix are `groups` (the patient, or the image that a tile was cut from), `ids` and `class_names`. Archives with pickled
objects are refused, because unpickling a downloaded file runs any code that it contains.
"""

from functools import partial
from pathlib import Path

import numpy as np

from indomain.data.manifest import Manifest, NpzReader
from indomain.data.readers import Record
from indomain.data.readers.paths import missing, path_in
from indomain.errors import RequestError


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """Lists the images of the archive, in the order of its arrays: train, val, test.

    Args:
        manifest: a data set with an `NpzReader`.
        data_dir: the folder that holds the data sets.
        size: ignored; every reader has the same parameters.

    Raises:
        RequestError: if the archive is missing or damaged, or an array has the wrong type, shape or length.
    """
    options = manifest.read
    assert isinstance(options, NpzReader)
    path = path_in(manifest, data_dir, options.file)
    if not path.is_file():
        raise missing(manifest, data_dir, "the file is not there")
    try:
        archive = np.load(path, allow_pickle=False)
        keys = set(archive.files)
    except Exception as error:
        raise RequestError(f"{path}: not a readable .npz archive ({error}). Fetch it again.") from None
    prefixes = [prefix for prefix in ("train_", "val_", "test_", "") if f"{prefix}images" in keys]
    if not prefixes:
        raise RequestError(
            f"{path}: it contains neither 'images' nor 'train_images'. Found: {', '.join(sorted(keys))}."
        )
    records: list[Record] = []
    try:
        shared_names = _words(archive["class_names"], path, "class_names") if "class_names" in keys else None
    except ValueError as error:
        raise RequestError(f"{path}: class_names cannot be read without unpickling ({error}).") from None
    for prefix in prefixes:
        records += _part(options, path, archive, prefix, shared_names)
    return records


def _part(options: NpzReader, path: Path, archive, prefix: str, shared_names: list[str] | None) -> list[Record]:
    """The records of one split; `shared_names` are the class names of all splits."""

    def array(name: str) -> np.ndarray | None:
        key = prefix + name
        if key not in archive.files:
            return None
        try:
            return archive[key]
        except ValueError as error:
            raise RequestError(f"{path}: {key} cannot be read without unpickling ({error}).") from None

    images = array("images")
    assert images is not None
    shape_is_right = images.ndim == 3 or (images.ndim == 4 and images.shape[-1] in (1, 3))
    if images.dtype != np.uint8 or not shape_is_right:
        raise RequestError(
            f"{path}: {prefix}images is {images.dtype} of shape {images.shape}; expected uint8 of shape (N, H, W) "
            "or (N, H, W, 3)."
        )
    if images.ndim == 4 and images.shape[-1] == 1:
        images = images[..., 0]
    arrays = {name: array(name) for name in ("labels", "groups", "ids", "class_names")}
    for name in ("labels", "groups", "ids"):
        values = arrays[name]
        if values is not None and len(values) != len(images):
            raise RequestError(f"{path}: {prefix}{name} has {len(values)} entries for {len(images)} images.")
    labels, groups, ids = (_words(arrays[name], path, prefix + name) for name in ("labels", "groups", "ids"))
    names = options.class_names or _words(arrays["class_names"], path, "class_names") or shared_names
    if names and labels and all(label == "" or label.isdecimal() for label in labels):
        highest = max((int(label) for label in labels if label), default=0)
        if highest >= len(names):
            raise RequestError(f"{path}: label {highest} has no name among {', '.join(names)}.")
        labels = [names[int(label)] if label else "" for label in labels]
    split = prefix.removesuffix("_")
    # Some archives restart the numbering of images in each class: then the position in the array makes ids unique.
    unique = ids is not None and len(set(ids)) == len(ids)
    records = []
    for number in range(len(images)):
        # Train and test may use the same ids (tiles, anonymised numbers): the name of the split makes them unique.
        stem = number if ids is None else ids[number] if unique else f"{ids[number]}#{number}"
        name = f"{split}/{stem}".removeprefix("/")
        records.append(
            Record(
                id=name,
                file=f"{path}[{prefix}images][{number}]",
                load=partial(_image, images, number),
                grey=partial(bool, images.ndim == 3),
                label=labels[number] if labels else "",
                patient=groups[number] if groups else "",
                split=split,
            )
        )
    return records


def _words(values: np.ndarray | None, path: Path, name: str) -> list[str] | None:
    """Labels, groups, ids or names as text: whole numbers without a decimal point, missing values (NaN, negative) as ""."""
    if values is None:
        return None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]  # MedMNIST stores (N, 1)
    if values.ndim != 1:
        raise RequestError(f"{path}: {name} has shape {values.shape}; expected one entry per image.")
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    if values.dtype.kind == "f":
        if (values[np.isfinite(values)] % 1 != 0).any():
            raise RequestError(f"{path}: {name} holds fractions; expected whole numbers or text.")
        return [str(int(value)) if np.isfinite(value) and value >= 0 else "" for value in values]
    if values.dtype.kind in "iu":
        return [str(value) if value >= 0 else "" for value in values.tolist()]
    return [str(value) for value in values]


def _image(images: np.ndarray, number: int) -> np.ndarray:
    return images[number]
