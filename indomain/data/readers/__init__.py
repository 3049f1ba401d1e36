"""Readers: from a manifest and a data folder to records, one per image. Nothing is decoded here.

paths       paths and names of splits, shared by all readers
folder      class folders, or a path pattern
csv_table   CSV files that list images
npz         NumPy archives in MedMNIST's layout
mat         MATLAB 7.3 files, one per image
tfds        TensorFlow Datasets
phantom     synthetic radiographs
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from indomain.data.images import decoding
from indomain.data.manifest import COLUMNS, Manifest
from indomain.data.readers.paths import missing
from indomain.errors import RequestError, look_up

READERS = {
    "folder": "indomain.data.readers.folder:read",
    "csv": "indomain.data.readers.csv_table:read",
    "npz": "indomain.data.readers.npz:read",
    "mat": "indomain.data.readers.mat:read",
    "tfds": "indomain.data.readers.tfds:read",
    "phantom": "indomain.data.readers.phantom:read",
}


@dataclass(frozen=True)
class Record:
    """One image of a data set. Text that the set does not provide is "".

    Attributes:
        id: a unique name within the set.
        file: where to find the image, for people.
        load: returns the image, 8 bits per channel, grey (H, W) or RGB (H, W, 3); raises `decoding.UnreadableImage`.
        grey: returns whether the image has a single channel, without decoding it.
        label: the label as read.
        patient: the patient.
        study: the study.
        body_part: the body part.
        view: the view.
        split: the official split, "train", "val" or "test", or a published fold, "fold1" and so on.
        mask: returns the mask, uint8 (H, W), 255 on the abnormality, else 0; None without a mask.
        more: the manifest's further columns.
        frames: returns the "middle" frame of several, or "all"; None where there is only one.
    """

    id: str
    file: str
    load: Callable[[], np.ndarray | Image.Image]
    grey: Callable[[], bool]
    label: str = ""
    patient: str = ""
    study: str = ""
    body_part: str = ""
    view: str = ""
    split: str = ""
    mask: Callable[[], np.ndarray] | None = None
    frames: Callable[[decoding.Which], list[Image.Image]] | None = None
    more: dict[str, str] = field(default_factory=dict)

    @classmethod
    def not_read(cls, path: Path, name: str, reason: str) -> "Record":
        """Returns the record of a file that is left out, so that it is reported with the reason.

        Args:
            path: the file.
            name: the id of the record.
            reason: why the file is left out, as text.
        """
        return cls(name, str(path), partial(_refuse, reason), partial(bool, True))

    @classmethod
    def of_file(cls, path: Path, name: str, size: tuple[int, int], found: dict[str, str]) -> "Record":
        """Returns the record of an image file.

        Args:
            path: the file.
            name: the id of the record.
            size: (rows, columns) that the image will be resized to; large JPEG files are decoded at a reduced size.
            found: the columns that the reader knows, by name; the others are "". Those that not every set has are further ones.
        """
        # At least twice the target size leaves the resizing filter enough detail.
        load = partial(decoding.read, path, at_least=2 * max(size))
        columns = {**dict.fromkeys(COLUMNS, ""), **found}
        label, patient, study, body_part, view, split = (columns[column] for column in COLUMNS)
        return cls(
            name,
            str(path),
            load,
            partial(decoding.is_grey, path),
            label,
            patient,
            study,
            body_part,
            view,
            split,
            frames=partial(decoding.frames, path),
            more={column: value for column, value in found.items() if column not in COLUMNS},
        )


def mask_in(path: Path) -> Callable[[], np.ndarray] | None:
    """Returns a function that reads a mask file, or None if the file does not exist.

    Args:
        path: an image file, white on the abnormality. The function returns it as uint8 (H, W), 255 where it is white
            (above 127), else 0.
    """
    return partial(_mask, path) if path.is_file() else None


def _mask(path: Path) -> np.ndarray:
    values = decoding.decode(path)
    grey = values.max(axis=-1) if values.ndim == 3 else values
    return np.where(grey > 127, 255, 0).astype(np.uint8)


def _refuse(reason: str) -> np.ndarray:
    raise decoding.UnreadableImage(reason)


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """Lists the records of a manifest, in a fixed order.

    Args:
        manifest: the data set.
        data_dir: the folder that holds the data sets; never written to.
        size: (rows, columns) that images will be resized to: a hint for readers that can decode or draw at a smaller size.

    Raises:
        RequestError: if the data are missing, hold no images, or do not fit the manifest.
    """
    records = look_up(READERS, manifest.read.reader, "reader")(manifest, data_dir, size)
    if not records:
        raise missing(manifest, data_dir, "no image was found there")
    ids = [record.id for record in records]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise RequestError(f"{manifest.name}: the image id {twice!r} occurs more than once; ids must be unique.")
    return records
