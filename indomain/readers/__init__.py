"""Readers: from a manifest and a data folder to records, one an image. Nothing is decoded here."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from indomain import images
from indomain.errors import RequestError, look_up
from indomain.manifests import COLUMNS, Manifest

READERS = {
    "folder": "indomain.readers.folder:read",
    "csv": "indomain.readers.csv_table:read",
    "npz": "indomain.readers.npz:read",
    "tfds": "indomain.readers.tfds:read",
    "phantom": "indomain.readers.phantom:read",
}

# Words for the three splits that data sets use for themselves; a manifest's split_names come first.
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
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
    part: str = ""
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
        load = partial(images.read, path, at_least=2 * max(size))
        words = {**dict.fromkeys(COLUMNS, ""), **found}
        label, patient, study, part, view, split = (words[column] for column in COLUMNS)
        return cls(name, str(path), load, partial(images.is_grey, path), label, patient, study, part, view, split)


def mask_in(path: Path) -> Callable[[], np.ndarray] | None:
    """What reads a mask's file, uint8 (H, W), 255 where it is white; None where there is no such file."""
    return partial(_mask, path) if path.is_file() else None


def _mask(path: Path) -> np.ndarray:
    values = images.decode(path)
    grey = values.max(axis=-1) if values.ndim == 3 else values
    return np.where(grey > 127, 255, 0).astype(np.uint8)


def _refused(reason: str) -> np.ndarray:
    raise images.UnreadableImage(reason)


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


def place(manifest: Manifest, data_dir: Path, *parts: str) -> Path:
    """A path that a manifest, or a table of its set, names; below the data folder unless it says `outside = true`.

    Raises:
        RequestError: it leads elsewhere.
    """
    path = data_dir.joinpath(*parts)
    outside = getattr(manifest.read, "outside", False)
    # By its words, not by where it leads: links that lie in the data folder were put there by its owner.
    if not outside and not Path(os.path.abspath(path)).is_relative_to(os.path.abspath(data_dir)):
        raise RequestError(
            f"{manifest.name}: {'/'.join(parts)} lies outside the data folder {data_dir}. If the manifest is to be trusted "
            "with that, set outside = true in its [read]."
        )
    return path


def missing(manifest: Manifest, data_dir: Path, what: str) -> RequestError:
    """The error for data that are not there, with the way to get them."""
    place = getattr(manifest.read, "root", None) or getattr(manifest.read, "file", "")
    expected = data_dir / str(place)
    get = f"\n  Get it: {manifest.get}" if manifest.get else ""
    for folder, different in manifest.other_versions.items():
        if (data_dir / folder).exists():
            get = f"\n  There is {data_dir / folder}, which is another version: {different}.{get}"
    return RequestError(
        f"{manifest.name}: {what} (looked for {expected}).{get}"
        f"\n  Put it below {data_dir}, or name another folder with --data-dir or INDOMAIN_DATA."
    )


def split_of(word: str, manifest: Manifest) -> str:
    """ "train", "val" or "test" for a set's own word, or "" where there is none.

    Raises:
        RequestError: a word that is not known.
    """
    if not word:
        return ""
    known = {**SPLIT_WORDS, **{name.lower(): split for name, split in manifest.split_names.items()}}
    split = known.get(word.lower())
    if split is None:
        raise RequestError(
            f"{manifest.name}: {word!r} is not a known split. Add it to split_names in the manifest, "
            'for instance split_names = { official_valid = "test" }.'
        )
    return split
