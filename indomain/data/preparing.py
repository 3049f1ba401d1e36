"""Preparing a set: its images decoded once, in threads, into a folder that appears whole or not at all.

The layout of the folder is that of `indomain.data.prepared`. The data folder is never written to.
"""

import contextlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from indomain import files
from indomain.data import readers
from indomain.data.images import decoding, hashing, patches, phantom, resizing
from indomain.data.manifest import CsvReader, FolderReader, Manifest, NpzReader
from indomain.data.prepared import INDEX_COLUMNS, PreparedSet
from indomain.data.readers.folder import list_files
from indomain.data.readers.paths import path_in
from indomain.errors import RequestError
from indomain.progress import track

VERSION = 4


@dataclass(frozen=True)
class Decoded:
    """An image, or one patch of it; or a file that could not be read.

    Attributes:
        file: where a person finds it.
        words: its row of the index, without the perceptual hash.
        image: uint8 (rows, columns, channels), None where the file could not be read.
        mask: uint8 (rows, columns), 255 on the finding, or None.
        reason: why it could not be read, or "".
    """

    file: str
    words: tuple[str, ...] = ()
    image: np.ndarray | None = None
    mask: np.ndarray | None = None
    reason: str = ""


def prepare(
    manifest: Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int], quiet: bool = False
) -> PreparedSet:
    """The prepared set of a manifest, found in the cache or made now.

    Args:
        manifest: the data set.
        data_dir: the folder that holds the data sets.
        cache_dir: where prepared sets are kept.
        size: (rows, columns) of the images wanted.
        quiet: show no progress.

    Raises:
        RequestError: the data are missing, nothing could be read, or `strict_files` met an unreadable file.
    """
    found = find(manifest, data_dir, cache_dir, size)
    if found:
        return found
    folder = _folder(manifest, data_dir, cache_dir, size)
    records = list_records(manifest, data_dir, size)
    cache_dir.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".preparing-", dir=cache_dir))
    try:
        _build(manifest, records, building, size, quiet)
        try:
            os.rename(building, folder)
        except OSError:
            # Another process was first with the same set: its folder is as good.
            if not (folder / "set.json").is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return PreparedSet(folder, manifest, files.read_json(folder / "set.json"))


def find(manifest: Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int]) -> PreparedSet | None:
    """The prepared set of a manifest if it is in the cache; parameters and errors as for `prepare`."""
    folder = _folder(manifest, data_dir, cache_dir, size)
    info = files.read_record(folder, "set.json")
    return PreparedSet(folder, manifest, info) if info else None


def list_records(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[readers.Record]:
    """The images that a manifest names, before any is decoded; parameters and errors as for `prepare`."""
    # Images that are cut into patches are read at their full size.
    return readers.read(manifest, data_dir, (decoding.MAX_PIXELS, decoding.MAX_PIXELS) if manifest.patches else size)


def _folder(manifest: Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int]) -> Path:
    """Where a prepared set lies; the key covers everything that decides what it holds."""
    how = manifest.model_dump(include={"name", "read", "images", "patches", "split_names", "strict_files"})
    key = {"version": VERSION, "how": how, "size": size, "files": _fingerprint(manifest, data_dir)}
    return cache_dir / f"{manifest.name}-{size[0]}x{size[1]}-{files.digest_of(key)}"


def _fingerprint(manifest: Manifest, data_dir: Path) -> list[Any]:
    """The files of a set by path, length and time of change."""
    read = manifest.read
    if isinstance(read, NpzReader):
        paths: Iterable[Path] = [path_in(manifest, data_dir, read.file)]
    elif isinstance(read, FolderReader | CsvReader):
        paths = list_files(path_in(manifest, data_dir, read.root))
    else:
        return [phantom.VERSION]
    found = [(str(path), path.stat()) for path in paths if path.is_file()]
    return [[name, state.st_size, state.st_mtime_ns] for name, state in found]


def _build(manifest: Manifest, records: list[readers.Record], folder: Path, size: tuple[int, int], quiet: bool) -> None:
    began = time.monotonic()
    channels = _channels(manifest, records)
    has_masks = any(record.mask for record in records)
    rows, unreadable = _write_images(manifest, records, folder, (*size, channels), quiet)
    if not rows:
        first = unreadable[0]
        raise RequestError(
            f"{manifest.name}: none of the {len(records)} files could be read; the first: {first[0]}: {first[1]}."
        )
    import pandas as pd

    index = pd.DataFrame(rows, columns=INDEX_COLUMNS)
    index.to_csv(folder / "index.csv", index=False)
    pd.DataFrame(unreadable, columns=["file", "reason"]).to_csv(folder / "unreadable.csv", index=False)
    # Where the files lie does not matter to a result; ids, labels, groups and pixels do.
    content = index.drop(columns=["file", "phash"]).to_csv(index=False)
    files.write_json(
        folder / "set.json",
        {
            "name": manifest.name,
            "digest": files.digest_of(content),
            "images": len(rows),
            "unreadable": len(unreadable),
            "size": list(size),
            "channels": channels,
            "fit": manifest.images.fit,
            "masks": files.file_sha256(folder / "masks.npy") if has_masks else "",
            "seconds": round(time.monotonic() - began, 3),
            # The pixels have their digests in the index: `indomain data check` compares them.
            "files": files.contents(folder, without_digest=("images.npy", "masks.npy")),
        },
    )


def _write_images(
    manifest: Manifest, records: list[readers.Record], folder: Path, shape: tuple[int, int, int], quiet: bool
) -> tuple[list[list[str]], list[list[str]]]:
    """Decodes all records into `images.npy` and `masks.npy`.

    Returns:
        The rows of the index, and file and reason of what could not be read.
    """
    size, channels = shape[:2], shape[2]

    def decode_several(several: list[readers.Record]) -> list[list[tuple[Decoded, str]]]:
        done = [_decode(record, manifest, size, channels) for record in several]
        images = [part.image for parts in done for part in parts if part.image is not None]
        hashes = iter(hashing.perceptual_hashes(images) if images else [])
        return [[(part, "" if part.image is None else next(hashes)) for part in parts] for parts in done]

    rows: list[list[str]] = []
    unreadable: list[list[str]] = []
    # Pillow and NumPy release the interpreter's lock while they decode and resize: threads fill the cores.
    with contextlib.ExitStack() as stack:
        images = stack.enter_context(_Array(folder / "images.npy", size if channels == 1 else (*size, 3)))
        has_masks = any(record.mask for record in records)
        masks = stack.enter_context(_Array(folder / "masks.npy", size)) if has_masks else None
        threads = stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
        done = track(_in_order(threads, decode_several, records), f"preparing {manifest.name}", len(records), quiet)
        for part, phash in itertools.chain.from_iterable(done):
            if part.image is None:
                if manifest.strict_files:
                    raise RequestError(
                        f"{part.file}: {part.reason}. The manifest of {manifest.name} has strict_files = true; repair or "
                        "remove the file, or set strict_files = false to leave it out."
                    )
                unreadable.append([part.file, part.reason])
                continue
            images.append(part.image)
            if masks is not None:
                masks.append(np.zeros(size, np.uint8) if part.mask is None else part.mask)
            rows.append([*part.words, phash])
    return rows, unreadable


def _decode(record: readers.Record, manifest: Manifest, size: tuple[int, int], channels: int) -> list[Decoded]:
    """An image at `size`, or each patch of it."""
    try:
        image = record.load()
        mask = record.mask() if record.mask else None
    except decoding.UnreadableImage as error:
        return [Decoded(record.file, reason=str(error))]
    fit = manifest.images.fit
    parts = patches.cut(image, mask, manifest.patches) if manifest.patches else [("", image, mask)]
    found = []
    for position, part, part_mask in parts:
        small = resizing.to_channels(resizing.resize(part, size, fit), channels)
        if part_mask is not None:
            # What the filter spreads over the border is no finding.
            part_mask = np.where(resizing.resize(part_mask, size, fit) > 127, 255, 0).astype(np.uint8)
        words = {name: getattr(record, name) for name in INDEX_COLUMNS[: INDEX_COLUMNS.index("source_image")]}
        words["source_image"] = record.id if position else ""
        words["id"] = f"{record.id}@{position}" if position else record.id
        words["sha256"] = hashing.pixel_sha256(small)
        found.append(Decoded(record.file, tuple(words.values()), small, part_mask))
    return found


def _channels(manifest: Manifest, records: list[readers.Record]) -> int:
    """1 if every image is grey, else 3; or as the manifest says."""
    if manifest.images.channels != "auto":
        return 1 if manifest.images.channels == "grey" else 3
    for record in records:
        try:
            if not record.grey():
                return 3
        except decoding.UnreadableImage:
            continue
    return 1


def _in_order(threads: ThreadPoolExecutor, function: Callable[[list], list], items: list) -> Iterator[Any]:
    """What `function` makes of eight items at a time, with a bounded number of results in memory."""
    ahead, together = 4 * (os.cpu_count() or 1), 8  # handing images over one by one costs more than some take to decode
    waiting = []
    for start in range(0, len(items), together):
        waiting.append(threads.submit(function, items[start : start + together]))
        if len(waiting) >= ahead:
            yield from waiting.pop(0).result()
    for future in waiting:
        yield from future.result()


class _Array:
    """A `.npy` file of uint8 that grows image by image: plain writes cost a fraction of a memory map's page faults."""

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.shape, self.length = shape, 0
        self.file = open(path, "wb")  # noqa: SIM115 - closed in __exit__
        self._write_header()

    def append(self, image: np.ndarray) -> None:
        self.file.write(np.ascontiguousarray(image).data)
        self.length += 1

    def __enter__(self) -> "_Array":
        return self

    def __exit__(self, *_: object) -> None:
        # NumPy leaves room in the header for a first axis of any length: its size does not change.
        self.file.seek(0)
        self._write_header()
        self.file.close()

    def _write_header(self) -> None:
        described = {"descr": "|u1", "fortran_order": False, "shape": (self.length, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, described)
