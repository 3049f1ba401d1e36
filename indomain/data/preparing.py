"""Prepared sets: a manifest's images, decoded once to uint8 at one size, memory-mapped, with an index.

    <cache folder>/<name>-<rows>x<columns>-<key>/
        images.npy      uint8 (N, rows, columns) for grey, (N, rows, columns, 3) for colour
        masks.npy       uint8 (N, rows, columns), only where the set has masks
        index.csv       id, file, label, patient, study, part, view, split, whole (the picture that a patch was cut from),
                        sha256 of the pixels, perceptual hash
        unreadable.csv  files left out, each with the reason
        set.json        counts, digest, and the length of every file; written last

The folder appears whole or not at all. The data folder is never written to.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain import files
from indomain.data.images import decoding, hashing, patches, resizing
from indomain.data.manifest import CsvReader, FolderReader, Manifest, NpzReader
from indomain.errors import RequestError
from indomain.progress import track

# pandas takes half a second to import, which a recipe that is already done need not wait for.
if TYPE_CHECKING:
    pass

from indomain.data.prepared import INDEX_COLUMNS, PreparedSet

VERSION = 3


def prepare(
    manifest: Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int], quiet: bool = False
) -> PreparedSet:
    """The prepared set of a manifest, made now or found in the cache.

    Args:
        data_dir: the folder that holds the data sets.
        cache_dir: where prepared sets are kept.
        size: (rows, columns) of the pictures wanted.
        quiet: show no progress.

    Raises:
        RequestError: the data are missing, nothing could be read, or `strict_files` met an unreadable file.
    """
    key = files.digest_of(_recipe_of(manifest, data_dir, size))
    folder = cache_dir / f"{manifest.name}-{size[0]}x{size[1]}-{key}"
    facts = files.read_record(folder, "set.json")
    if facts:
        return PreparedSet(folder, manifest, facts)
    from indomain.data import readers

    # What is cut into patches is read at its full size.
    records = readers.read(manifest, data_dir, (decoding.MAX_PIXELS, decoding.MAX_PIXELS) if manifest.patches else size)
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


def _recipe_of(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Everything that decides what a prepared set holds; the files are known by path, length and time of change."""
    how = manifest.model_dump(include={"name", "read", "images", "patches", "split_names", "strict_files"})
    return {"version": VERSION, "how": how, "size": size, "files": _fingerprint(manifest, data_dir)}


def _fingerprint(manifest: Manifest, data_dir: Path) -> list[Any]:
    from indomain.data.readers.paths import place

    read = manifest.read
    if isinstance(read, NpzReader):
        paths: Iterable[Path] = [place(manifest, data_dir, read.file)]
    elif isinstance(read, FolderReader | CsvReader):
        from indomain.data.readers.folder import list_files

        paths = list_files(place(manifest, data_dir, read.root))
    else:
        from indomain.data.images import phantom

        return [phantom.VERSION]
    found = [(str(path), path.stat()) for path in paths if path.is_file()]
    return [[name, state.st_size, state.st_mtime_ns] for name, state in found]


def _build(manifest: Manifest, records: list, folder: Path, size: tuple[int, int], quiet: bool) -> None:
    channels = _channels(manifest, records)
    has_masks = any(record.mask for record in records)
    rows: list[list[str]] = []
    unreadable: list[list[str]] = []

    def decoded(record) -> list[tuple]:
        """(picture, mask, what the index says) of an image, or of each patch of it; without a picture: file and reason."""
        try:
            picture = record.load()
            mask = record.mask() if record.mask else None
            parts = patches.cut(picture, mask, manifest.patches) if manifest.patches else [("", picture, mask)]
            found = []
            for place, part, its_mask in parts:
                part = resizing.to_channels(resizing.resize(part, size, manifest.images.fit), channels)
                if its_mask is not None:
                    # What a filter spreads over the border is no finding.
                    its_mask = np.where(resizing.resize(its_mask, size, manifest.images.fit) > 127, 255, 0).astype(
                        np.uint8
                    )
                words = {name: getattr(record, name) for name in INDEX_COLUMNS[:-3]}
                if place:
                    words["id"] = f"{record.id}@{place}"
                whole = record.id if place else ""
                found.append((part, its_mask, [*words.values(), whole, hashing.pixel_sha256(part)]))
            return found
        except decoding.UnreadableImage as error:
            return [(None, None, [record.file, str(error)])]

    def decoded_and_hashed(several):
        done = [part for record in several for part in decoded(record)]
        read = [(picture, known) for picture, _, known in done if picture is not None]
        if read:
            for (_, known), found in zip(read, hashing.perceptual_hashes([picture for picture, _ in read])):
                known.append(found)
        return done

    # Pillow and NumPy release the interpreter's lock while they decode and resize: threads fill the cores.
    with contextlib.ExitStack() as opened:
        pictures = opened.enter_context(_Array(folder / "images.npy", size if channels == 1 else (*size, 3)))
        masks = opened.enter_context(_Array(folder / "masks.npy", size)) if has_masks else None
        pool = opened.enter_context(ThreadPoolExecutor(os.cpu_count()))
        done = _in_order(pool, decoded_and_hashed, records)
        for picture, mask, known in track(done, f"preparing {manifest.name}", len(records), quiet):
            if picture is None:
                if manifest.strict_files:
                    raise RequestError(
                        f"{known[0]}: {known[1]}. The manifest of {manifest.name} has strict_files = true; mend or "
                        "remove the file, or set strict_files = false to leave it out."
                    )
                unreadable.append(known)
                continue
            pictures.append(picture)
            if masks is not None:
                masks.append(np.zeros(size, np.uint8) if mask is None else mask)
            rows.append(known)
    if not rows:
        raise RequestError(
            f"{manifest.name}: none of the {len(records)} files could be read; the first: {unreadable[0][0]}: {unreadable[0][1]}."
        )
    import pandas as pd

    index = pd.DataFrame(rows, columns=INDEX_COLUMNS)
    index.to_csv(folder / "index.csv", index=False)
    pd.DataFrame(unreadable, columns=["file", "reason"]).to_csv(folder / "unreadable.csv", index=False)
    # The place of the files does not matter to a result; ids, labels, groups and pixels do.
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
            # The pixels have their digests in the index: `indomain data check` compares them.
            "files": files.contents(folder, without_digest=("images.npy", "masks.npy")),
        },
    )


def _channels(manifest: Manifest, records: list) -> int:
    """1 if every picture is grey, else 3; or as the manifest says."""
    if manifest.images.channels != "auto":
        return 1 if manifest.images.channels == "grey" else 3
    for record in records:
        try:
            if not record.grey():
                return 3
        except decoding.UnreadableImage:
            continue
    return 1


def _in_order(pool: ThreadPoolExecutor, function, items: list) -> Iterator:
    """What `function` makes of eight items at a time, with a bounded number of results in memory."""
    ahead, together = 4 * (os.cpu_count() or 1), 8  # handing pictures over one by one costs more than some take
    waiting = []
    for start in range(0, len(items), together):
        waiting.append(pool.submit(function, items[start : start + together]))
        if len(waiting) >= ahead:
            yield from waiting.pop(0).result()
    for future in waiting:
        yield from future.result()


class _Array:
    """A `.npy` file of uint8 that grows picture by picture: plain writes cost a fraction of a memory map's page faults."""

    def __init__(self, path: Path, shape: tuple[int, ...]):
        self.shape, self.length = shape, 0
        self.file = open(path, "wb")  # noqa: SIM115 - closed in __exit__
        self._write_header()

    def append(self, picture: np.ndarray) -> None:
        self.file.write(np.ascontiguousarray(picture).data)
        self.length += 1

    def __enter__(self) -> "_Array":
        return self

    def __exit__(self, *_) -> None:
        # NumPy leaves room in the header for a first axis of any length: its size does not change.
        self.file.seek(0)
        self._write_header()
        self.file.close()

    def _write_header(self) -> None:
        described = {"descr": "|u1", "fortran_order": False, "shape": (self.length, *self.shape)}
        np.lib.format.write_array_header_1_0(self.file, described)
