"""Readers: from a manifest and a data folder to records, one per image. Nothing is decoded here.

paths       paths and words that readers share
folder      class folders, or a path pattern
csv_table   CSV files that name images
npz         MedMNIST's layout
tfds        TensorFlow Datasets
phantom     synthetic radiographs
"""

from collections.abc import Callable
from dataclasses import dataclass
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
    "tfds": "indomain.data.readers.tfds:read",
    "phantom": "indomain.data.readers.phantom:read",
}


@dataclass(frozen=True)
class Record:
    """One image of a data set. Empty strings stand for what the set does not say."""

    id: str
    file: str  # where a person finds it, for messages
    load: Callable[[], np.ndarray | Image.Image]  # 8 bits, grey or RGB; raises images.UnreadableImage
    grey: Callable[[], bool]  # whether it has one channel, told cheaply
    label: str = ""
    patient: str = ""
    study: str = ""
    body_part: str = ""
    view: str = ""
    split: str = ""  # "train", "val", "test" or "": the set's own split
    mask: Callable[[], np.ndarray] | None = None  # uint8 (H, W), above 0 where the abnormality is

    @classmethod
    def not_read(cls, path: Path, name: str, reason: str) -> "Record":
        """The record of a file that is left out, so that the report names it with the reason."""
        return cls(name, str(path), partial(_refused, reason), partial(bool, True))

    @classmethod
    def of_file(cls, path: Path, name: str, size: tuple[int, int], found: dict[str, str]) -> "Record":
        """The record of a picture in a file; `found` are the columns that the reader knows, empty ones left out."""
        # Twice the size wanted leaves the resizing filter enough to work with.
        load = partial(decoding.read, path, at_least=2 * max(size))
        words = {**dict.fromkeys(COLUMNS, ""), **found}
        label, patient, study, body_part, view, split = (words[column] for column in COLUMNS)
        return cls(
            name, str(path), load, partial(decoding.is_grey, path), label, patient, study, body_part, view, split
        )


def mask_in(path: Path) -> Callable[[], np.ndarray] | None:
    """What reads a mask's file, uint8 (H, W), 255 where it is white; None where there is no such file."""
    return partial(_mask, path) if path.is_file() else None


def _mask(path: Path) -> np.ndarray:
    values = decoding.decode(path)
    grey = values.max(axis=-1) if values.ndim == 3 else values
    return np.where(grey > 127, 255, 0).astype(np.uint8)


def _refused(reason: str) -> np.ndarray:
    raise decoding.UnreadableImage(reason)


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """All records of a manifest, in a fixed order.

    Args:
        data_dir: the folder that holds the data sets; never written to.
        size: (rows, columns) wanted; only a hint, for readers that can decode or draw at a smaller size.

    Raises:
        RequestError: the data are not there, or no image was found; says what to put where.
    """
    records = look_up(READERS, manifest.read.reader, "reader")(manifest, data_dir, size)
    if not records:
        raise missing(manifest, data_dir, "no image was found there")
    ids = [record.id for record in records]
    if len(set(ids)) < len(ids):
        twice = next(name for name in ids if ids.count(name) > 1)
        raise RequestError(f"{manifest.name}: the image id {twice!r} stands twice; ids must be unique.")
    return records
