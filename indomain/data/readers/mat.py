"""Reads MATLAB 7.3 files, one per image, such as the brain tumours of figshare article 1512427.

Since version 7.3 such files are HDF5. MATLAB stores arrays by column, so that images and masks lie in them transposed, and text
as the codes of its letters. Older files, which SciPy reads, are refused with what to do.
"""

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from indomain.data.images import decoding
from indomain.data.manifest import Manifest, MatReader
from indomain.data.readers import Record
from indomain.data.readers.paths import missing, path_in
from indomain.errors import RequestError


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """Lists the images, in the order of the numbers in their names.

    Args:
        manifest: a data set with a `MatReader`.
        data_dir: the folder that holds the data sets.
        size: ignored; every reader has the same parameters.

    Raises:
        RequestError: if the folder is missing, or a file is not of MATLAB 7.3 or has another layout.
    """
    options = manifest.read
    assert isinstance(options, MatReader)
    root = path_in(manifest, data_dir, options.root)
    if not root.is_dir():
        raise missing(manifest, data_dir, "the folder is not there")
    paths = [path for path in root.rglob("*.mat") if path.name not in options.but]
    paths.sort(key=lambda path: [int(word) if word.isdigit() else word for word in re.split(r"(\d+)", path.name)])
    folds = _folds(manifest, options, root)
    if folds is not None and len(folds) != len(paths):
        raise RequestError(
            f"{manifest.name}: {options.folds.partition(':')[0]} has the folds of {len(folds)} images, and below {root} are "
            f"{len(paths)}. Complete the set, or take the file out of the folder to draw other folds."
        )
    return [_record(manifest, options, root, path, folds) for path in paths]


def _folds(manifest: Manifest, options: MatReader, root: Path) -> np.ndarray | None:
    """The fold of each image by the number in its name, from 1; None where there is no such file."""
    name, _, array = options.folds.partition(":")
    found = sorted(root.rglob(name)) if name else []
    if not found:
        return None
    try:
        values = _of_file(manifest, found[0], [array])[0]
    except RequestError:
        values = _of_older_file(found[0], array)
    if values is None:
        raise RequestError(
            f"{manifest.name}: {found[0]} has no array {array} that can be read. Fetch it again, or take it out of the folder to "
            "draw other folds."
        )
    return values.ravel()


def _of_older_file(path: Path, name: str) -> np.ndarray | None:
    """An array of a file of before MATLAB 7.3; None where there is none."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path).get(name)
    except (MatReadError, ValueError, TypeError, EOFError, OSError):
        return None


def _fold_of(manifest: Manifest, path: Path, folds: np.ndarray | None) -> str:
    if folds is None:
        return ""
    if not path.stem.isdigit() or not 1 <= int(path.stem) <= len(folds):
        raise RequestError(
            f"{manifest.name}: {path}: folds are given by the number in a file's name, from 1 to {len(folds)}. Leave the file "
            "out (but = [...]), or name it so."
        )
    return f"fold{int(folds[int(path.stem) - 1])}"


def _record(manifest: Manifest, options: MatReader, root: Path, path: Path, folds: np.ndarray | None) -> Record:
    label, patient = _of_file(manifest, path, [options.label, options.patient])
    if label is None or label.size != 1 or not np.isfinite(float(label.ravel()[0])):
        raise RequestError(f"{manifest.name}: {path}: {options.label} is not one number.")
    value = float(label.ravel()[0])
    return Record(
        id=str(path.relative_to(root).with_suffix("")),
        file=str(path),
        load=partial(_image, manifest, path, options.image),
        grey=partial(bool, True),
        label=str(int(value)) if value == int(value) else str(value),
        patient="" if patient is None else _text(patient),
        split=_fold_of(manifest, path, folds),
        mask=partial(_mask, manifest, path, options.mask) if options.mask else None,
    )


def _of_file(manifest: Manifest, path: Path, names: list[str]) -> list[np.ndarray | None]:
    """The arrays of a file by their paths in it; None where the path is ""."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            for name in names:
                if name and not isinstance(file.get(name), h5py.Dataset):
                    found = _datasets(file)
                    raise RequestError(
                        f"{manifest.name}: {path} has no {name}; it has {', '.join(sorted(found)[:12]) or 'nothing'}. "
                        "Name what it has in the manifest, or leave the file out (but = [...])."
                    )
            return [np.asarray(file[name]) if name else None for name in names]
    except OSError:
        raise RequestError(
            f"{manifest.name}: {path} is not a file of MATLAB 7.3, or is damaged. Fetch it again; an older one can be saved "
            'anew in MATLAB with save(..., "-v7.3").'
        ) from None


def _datasets(group: Any) -> list[str]:
    """The paths of all arrays of a file."""
    import h5py

    found: list[str] = []
    group.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def _text(codes: np.ndarray) -> str:
    """Text from the codes of its letters; zeros fill it up to a length."""
    return "".join(chr(int(code)) for code in codes.ravel() if code)


def _array(manifest: Manifest, path: Path, name: str) -> np.ndarray:
    try:
        (values,) = _of_file(manifest, path, [name])
    except RequestError as error:
        raise decoding.UnreadableImage(str(error)) from None
    assert values is not None
    if values.ndim != 2:
        raise decoding.UnreadableImage(f"{name} has {values.ndim} dimensions, not two")
    return values.T


def _image(manifest: Manifest, path: Path, name: str) -> np.ndarray:
    values: Any = _array(manifest, path, name)
    # Raw values have no window: the image's own extremes become black and white.
    return values if values.dtype == np.uint8 else decoding.stretched(values.astype(np.float64))


def _mask(manifest: Manifest, path: Path, name: str) -> np.ndarray:
    return np.where(_array(manifest, path, name) != 0, 255, 0).astype(np.uint8)
