"""Prepares a set: decodes its images once, in several threads, into a folder that is written completely or not at all.

`indomain.data.prepared` describes the folder. The data folder is never written to.
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
from statistics import median
from typing import Any

import numpy as np

from indomain import files
from indomain.data import readers
from indomain.data.images import contrast, decoding, dicom, hashing, patches, phantom, resizing
from indomain.data.manifest import CsvReader, FolderReader, Manifest, MatReader, NpzReader
from indomain.data.prepared import INDEX_COLUMNS, UNTREATED, PreparedSet
from indomain.data.readers.folder import list_files
from indomain.data.readers.paths import path_in
from indomain.errors import RequestError
from indomain.progress import track

VERSION = 6
SMALL_FILE = 20_000  # bytes


@dataclass(frozen=True)
class Decoded:
    """A decoded image, one patch of it, or a file that could not be read.

    Attributes:
        file: where to find it, for people.
        words: its row of the index.
        image: uint8 (rows, columns, channels), 0–255; None if the file could not be read.
        mask: uint8 (rows, columns), 255 on the abnormality, else 0; None without a mask.
        reason: why it could not be read, or "".
        untreated: the image before its contrast was treated; None where it is as it was.
    """

    file: str
    words: tuple[str, ...] = ()
    image: np.ndarray | None = None
    mask: np.ndarray | None = None
    reason: str = ""
    untreated: np.ndarray | None = None


def prepare(
    manifest: Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int], quiet: bool = False
) -> PreparedSet:
    """Returns the prepared set of a manifest; decodes it if it is not in the cache yet.

    Args:
        manifest: the data set.
        data_dir: the folder that holds the data sets.
        cache_dir: the folder that holds the prepared sets.
        size: (rows, columns) of the prepared images.
        quiet: show no progress.

    Raises:
        RequestError: if the data are missing, no file could be read, or a file could not be read and the manifest has
            `strict_files = true`.
    """
    prepared = find(manifest, data_dir, cache_dir, size)
    if prepared:
        return prepared
    folder = _folder(manifest, data_dir, cache_dir, size)
    records = list_records(manifest, data_dir, size)
    cache_dir.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".preparing-", dir=cache_dir))
    try:
        _build(manifest, records, building, size, quiet)
        try:
            os.rename(building, folder)
        except OSError:
            # Another process has finished the same set in the meantime: use its folder.
            if not (folder / "set.json").is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return PreparedSet(folder, manifest, files.read_json(folder / "set.json"))


def find(manifest: Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int]) -> PreparedSet | None:
    """Returns the prepared set of a manifest if it is in the cache, else None.

    Args:
        manifest: the data set.
        data_dir: the folder that holds the data sets.
        cache_dir: the folder that holds the prepared sets.
        size: (rows, columns) of the prepared images.

    Raises:
        RequestError: if the manifest names a path outside the data folder.
    """
    folder = _folder(manifest, data_dir, cache_dir, size)
    info = files.read_record(folder, "set.json")
    return PreparedSet(folder, manifest, info) if info else None


def list_records(manifest: Manifest, data_dir: Path, size: tuple[int, int] | None) -> list[readers.Record]:
    """Lists the images of a manifest, without decoding any.

    Args:
        manifest: the data set.
        data_dir: the folder that holds the data sets.
        size: (rows, columns) of the prepared images; None: as they are.

    Raises:
        RequestError: if the data are missing or do not fit the manifest.
    """
    # Images that are to be cut into patches are read at full size.
    whole = (decoding.MAX_PIXELS, decoding.MAX_PIXELS)
    return readers.read(manifest, data_dir, size if size and not manifest.patches else whole)


def _folder(manifest: Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int]) -> Path:
    """The folder of a prepared set. Its key covers everything that affects the content."""
    options = manifest.model_dump(include={"name", "read", "images", "patches", "split_names", "strict_files"})
    # What is as usual is left out, so that sets need not be prepared anew for a key that they do not use.
    if options["images"]["frames"] == "first":
        del options["images"]["frames"]
    if manifest.more:
        options["more"] = manifest.more
    key = {"version": VERSION, "how": options, "size": size, "files": _fingerprint(manifest, data_dir)}
    return cache_dir / f"{manifest.name}-{size[0]}x{size[1]}-{files.digest_of(key)}"


def _fingerprint(manifest: Manifest, data_dir: Path) -> list[Any]:
    """Path, length and modification time of every file of a set."""
    read = manifest.read
    if isinstance(read, NpzReader):
        paths: Iterable[Path] = [path_in(manifest, data_dir, read.file)]
    elif isinstance(read, FolderReader | CsvReader | MatReader):
        paths = list_files(path_in(manifest, data_dir, read.root))
    else:
        return [phantom.VERSION]
    states = [(str(path), path.stat()) for path in paths if path.is_file()]
    found = [[name, state.st_size, state.st_mtime_ns] for name, state in states]
    return [*found, ["dicom", dicom.VERSION]] if any(name.lower().endswith(".dcm") for name, _ in states) else found


def _build(manifest: Manifest, records: list[readers.Record], folder: Path, size: tuple[int, int], quiet: bool) -> None:
    start = time.monotonic()
    channels = channels_of(manifest, records)
    has_masks = any(record.mask for record in records)
    rows, unreadable = _write_images(manifest, records, folder, (*size, channels), quiet)
    if not rows:
        first = unreadable[0]
        raise RequestError(
            f"{manifest.name}: none of the {len(records)} files could be read; the first: {first[0]}: {first[1]}."
        )
    import pandas as pd

    index = pd.DataFrame(rows, columns=[*INDEX_COLUMNS, *manifest.more])
    index.to_csv(folder / "index.csv", index=False)
    pd.DataFrame(unreadable, columns=["file", "reason"]).to_csv(folder / "unreadable.csv", index=False)
    # A result does not depend on where the files are, but on ids, labels, groups and pixels.
    content = index.drop(columns=["file"]).to_csv(index=False)
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
            "seconds": round(time.monotonic() - start, 3),
            # The index holds a digest of each image's pixels, which `indomain data check` verifies.
            "files": files.contents(folder, without_digest=("images.npy", "masks.npy", UNTREATED)),
        },
    )


def _write_images(
    manifest: Manifest, records: list[readers.Record], folder: Path, shape: tuple[int, int, int], quiet: bool
) -> tuple[list[list[str]], list[list[str]]]:
    """Decodes all records into `images.npy` and `masks.npy`.

    Returns:
        The rows of the index, and [file, reason] for each file that could not be read.
    """
    size, channels = shape[:2], shape[2]
    rows: list[list[str]] = []
    unreadable: list[list[str]] = []
    with contextlib.ExitStack() as stack:
        shown = size if channels == 1 else (*size, 3)
        images = stack.enter_context(_Array(folder / "images.npy", shown))
        is_treated = manifest.images.contrast != "as it is"
        untreated = stack.enter_context(_Array(folder / UNTREATED, shown)) if is_treated else None
        has_masks = any(record.mask for record in records)
        masks = stack.enter_context(_Array(folder / "masks.npy", size)) if has_masks else None
        for part in decoded(manifest, records, size, channels, f"preparing {manifest.name}", quiet):
            if part.image is None:
                unreadable.append([part.file, part.reason])
                continue
            images.append(part.image)
            if untreated is not None:
                untreated.append(part.image if part.untreated is None else part.untreated)
            if masks is not None:
                masks.append(np.zeros(size, np.uint8) if part.mask is None else part.mask)
            rows.append([*part.words])
    return rows, unreadable


def decoded(
    manifest: Manifest,
    records: list[readers.Record],
    size: tuple[int, int] | None,
    channels: int,
    what: str,
    quiet: bool = False,
) -> Iterator[Decoded]:
    """Decodes records in several threads, in their order; with patches, each of them.

    Args:
        manifest: the data set.
        records: its images, as `list_records` lists them.
        size: (rows, columns) of the images; None: as they are.
        channels: 1 or 3.
        what: text for the progress bar.
        quiet: show none.

    Raises:
        RequestError: a file could not be read, and the manifest has `strict_files = true`.
    """

    def decode_batch(batch: list[readers.Record]) -> list[list[Decoded]]:
        return [_decode(record, manifest, size, channels) for record in batch]

    with ThreadPoolExecutor(_threads(records)) as threads:
        parts = track(_in_order(threads, decode_batch, records), what, len(records), quiet)
        for part in itertools.chain.from_iterable(parts):
            if part.image is None and manifest.strict_files:
                raise RequestError(
                    f"{part.file}: {part.reason}. The manifest of {manifest.name} has strict_files = true; repair or "
                    "remove the file, or set strict_files = false to leave it out."
                )
            yield part


def _threads(records: list[readers.Record]) -> int:
    """The number of threads that decode.

    Pillow and NumPy release the global interpreter lock while decoding and resizing, so that threads use all cores. Of small
    files there is so little to decode that two threads, which wait for each other's lock, take 1.6 times as long as one.
    """
    sizes = [
        Path(record.file).stat().st_size
        for record in records[:: max(len(records) // 20, 1)]
        if os.path.isfile(record.file)
    ]
    return (os.cpu_count() or 1) if not sizes or median(sizes) > SMALL_FILE else 1


def _decode(record: readers.Record, manifest: Manifest, size: tuple[int, int] | None, channels: int) -> list[Decoded]:
    """The image of a record at `size`, or each patch of it, or the reason why it could not be read."""
    try:
        images = _frames(record, manifest)
        mask = record.mask() if record.mask else None
    except decoding.UnreadableImage as error:
        return [Decoded(record.file, reason=str(error))]
    fit = manifest.images.fit
    parts = [
        ("@".join(word for word in (frame, position) if word), part, part_mask)
        for frame, image in images
        for position, part, part_mask in (
            patches.cut(image, mask, manifest.patches) if manifest.patches else [("", image, mask)]
        )
    ]
    found = []
    for position, part, part_mask in parts:
        resized = resizing.resize(part, size, fit) if size else np.asarray(part)
        treated = contrast.treated(resized, manifest.images.contrast)
        small = resizing.to_channels(treated, channels)
        before = None if treated is resized else resizing.to_channels(resized, channels)
        if part_mask is not None and size:
            # The resizing filter blurs the edges of the mask: make it binary again.
            part_mask = np.where(resizing.resize(part_mask, size, fit) > 127, 255, 0).astype(np.uint8)
        words = {name: getattr(record, name) for name in INDEX_COLUMNS[: INDEX_COLUMNS.index("source_image")]}
        words["source_image"] = record.id if position else ""
        words["id"] = f"{record.id}@{position}" if position else record.id
        words["sha256"] = hashing.pixel_sha256(small)
        more = [record.more.get(name, "") for name in manifest.more]
        found.append(Decoded(record.file, (*words.values(), *more), small, part_mask, untreated=before))
    return found


def _frames(record: readers.Record, manifest: Manifest) -> list[tuple[str, Any]]:
    """The frames of a record that the manifest asks for, with what tells them apart in an id; "" for the only one."""
    which = manifest.images.frames
    if which == "first" or record.frames is None:
        return [("", record.load())]
    found = record.frames(which)
    return [("", found[0])] if len(found) == 1 else [(f"frame{number}", image) for number, image in enumerate(found, 1)]


def channels_of(manifest: Manifest, records: list[readers.Record]) -> int:
    """The number of channels to store: as the manifest specifies, else 1 if every image is grey, else 3."""
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
    """Applies `function` to batches of items in several threads, and yields its results in order.

    The number of batches in memory is bounded. Batches, because submitting small images one by one would take longer than
    decoding them.
    """
    batch_size, most_pending = 8, 4 * (os.cpu_count() or 1)
    pending = []
    for start in range(0, len(items), batch_size):
        pending.append(threads.submit(function, items[start : start + batch_size]))
        if len(pending) >= most_pending:
            yield from pending.pop(0).result()
    for future in pending:
        yield from future.result()


class _Array:
    """A uint8 `.npy` file that grows image by image.

    Plain writes take a fraction of the time that the page faults of a memory map take.
    """

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
        # NumPy pads the header so that the first axis can grow: its size does not change.
        self.file.seek(0)
        self._write_header()
        self.file.close()

    def _write_header(self) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.length, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, header)
