"""NumPy archives in MedMNIST's layout: `train_images`, `train_labels`, `val_...`, `test_...`, or `images` and `labels`.

Optional arrays: `groups` (patient, or the picture that a tile was cut from), `ids`, `class_names`, with the same prefix.
Archives that hold pickled objects are refused: unpickling a downloaded file runs whatever it contains.
"""

from functools import partial
from pathlib import Path

import numpy as np

from indomain.data.manifest import Manifest, NpzReader
from indomain.data.readers import Record
from indomain.data.readers.paths import missing, path_in
from indomain.errors import RequestError


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
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
            f"{path}: neither 'images' nor 'train_images' stands in it. Found: {', '.join(sorted(keys))}."
        )
    records: list[Record] = []
    try:
        whole_names = _words(archive["class_names"], path, "class_names") if "class_names" in keys else None
    except ValueError as error:
        raise RequestError(f"{path}: class_names cannot be read without unpickling ({error}).") from None
    for prefix in prefixes:
        records += _part(options, path, archive, prefix, whole_names)
    return records


def _part(options: NpzReader, path: Path, archive, prefix: str, whole_names: list[str] | None) -> list[Record]:
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
    columns = {name: array(name) for name in ("labels", "groups", "ids", "class_names")}
    for name in ("labels", "groups", "ids"):
        values = columns[name]
        if values is not None and len(values) != len(images):
            raise RequestError(f"{path}: {prefix}{name} has {len(values)} entries for {len(images)} images.")
    labels, groups, ids = (_words(columns[name], path, prefix + name) for name in ("labels", "groups", "ids"))
    names = options.class_names or _words(columns["class_names"], path, "class_names") or whole_names
    if names and labels and all(label == "" or label.isdecimal() for label in labels):
        highest = max((int(label) for label in labels if label), default=0)
        if highest >= len(names):
            raise RequestError(f"{path}: label {highest} has no name among {', '.join(names)}.")
        labels = [names[int(label)] if label else "" for label in labels]
    split = prefix.removesuffix("_")
    # Some archives number their images anew in each class: then the place in the array tells them apart.
    unique = ids is not None and len(set(ids)) == len(ids)
    records = []
    for number in range(len(images)):
        # The same stem may stand in train and test (tiles, anonymised numbers): the split keeps ids apart.
        stem = number if ids is None else ids[number] if unique else f"{ids[number]}#{number}"
        name = f"{split}/{stem}".removeprefix("/")
        records.append(
            Record(
                id=name,
                file=f"{path}[{prefix}images][{number}]",
                load=partial(_picture, images, number),
                grey=partial(bool, images.ndim == 3),
                label=labels[number] if labels else "",
                patient=groups[number] if groups else "",
                split=split,
            )
        )
    return records


def _words(values: np.ndarray | None, path: Path, name: str) -> list[str] | None:
    """Labels, groups, ids or names as text: whole numbers without a point; "" for what is not there (NaN, negative)."""
    if values is None:
        return None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]  # MedMNIST stores (N, 1)
    if values.ndim != 1:
        raise RequestError(f"{path}: {name} has shape {values.shape}; one entry an image is needed.")
    if values.dtype.kind == "S":
        return [value.decode("utf-8", "replace") for value in values.tolist()]
    if values.dtype.kind == "f":
        if (values[np.isfinite(values)] % 1 != 0).any():
            raise RequestError(f"{path}: {name} holds fractions; whole numbers or words are needed.")
        return [str(int(value)) if np.isfinite(value) and value >= 0 else "" for value in values]
    if values.dtype.kind in "iu":
        return [str(value) if value >= 0 else "" for value in values.tolist()]
    return [str(value) for value in values]


def _picture(images: np.ndarray, number: int) -> np.ndarray:
    return images[number]
