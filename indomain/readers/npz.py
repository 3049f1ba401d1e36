"""NumPy archives in MedMNIST's layout: `train_images`, `train_labels`, `val_...`, `test_...`, or `images` and `labels`.

Optional arrays: `groups` (patient, or the picture that a tile was cut from), `ids`, `class_names`, with the same prefix.
Archives that hold pickled objects are refused: unpickling a downloaded file runs whatever it contains.
"""

from functools import partial
from pathlib import Path

import numpy as np

from indomain.errors import RequestError
from indomain.manifests import Manifest, NpzReader
from indomain.readers import Record, missing


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    options = manifest.read
    assert isinstance(options, NpzReader)
    path = data_dir / options.file
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
    for prefix in prefixes:
        records += _part(manifest, options, path, archive, prefix)
    return records


def _part(manifest: Manifest, options: NpzReader, path: Path, archive, prefix: str) -> list[Record]:
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
    columns = {name: array(name) for name in ("labels", "groups", "ids")}
    for name, values in columns.items():
        if values is not None and len(values) != len(images):
            raise RequestError(f"{path}: {prefix}{name} has {len(values)} entries for {len(images)} images.")
    names = options.class_names
    if not names and "class_names" in archive.files:
        names = [str(name) for name in archive["class_names"]]
    labels, groups, ids = columns["labels"], columns["groups"], columns["ids"]
    if labels is not None and labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # MedMNIST stores (N, 1)
    if labels is not None and labels.ndim != 1:
        raise RequestError(f"{path}: {prefix}labels has shape {labels.shape}; one class an image is needed.")
    if labels is not None and names and labels.size and int(labels.max()) >= len(names):
        raise RequestError(f"{path}: label {int(labels.max())} has no name among {', '.join(names)}.")
    split = prefix.removesuffix("_")
    # Some archives number their images anew in each class: then the place in the array tells them apart.
    unique = ids is not None and len(set(ids.tolist())) == len(ids)
    records = []
    for number in range(len(images)):
        label = "" if labels is None else (names[int(labels[number])] if names else str(labels[number]))
        # The same stem may stand in train and test (tiles, anonymised numbers): the split keeps ids apart.
        stem = number if ids is None else ids[number] if unique else f"{ids[number]}#{number}"
        name = f"{split}/{stem}".removeprefix("/")
        records.append(
            Record(
                id=name,
                file=f"{path}[{prefix}images][{number}]",
                load=partial(_picture, images, number),
                grey=partial(bool, images.ndim == 3),
                label=label,
                patient="" if groups is None else str(groups[number]),
                split=split,
            )
        )
    return records


def _picture(images: np.ndarray, number: int) -> np.ndarray:
    return images[number]
