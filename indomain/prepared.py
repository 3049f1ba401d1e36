"""Prepared sets: a manifest's images, decoded once to uint8 at one size, memory-mapped, with an index.

    <cache folder>/<name>-<rows>x<columns>-<key>/
        images.npy      uint8 (N, rows, columns) for grey, (N, rows, columns, 3) for colour
        masks.npy       uint8 (N, rows, columns), only where the set has masks
        index.csv       id, file, label, patient, study, part, view, split, sha256 of the pixels, perceptual hash
        unreadable.csv  files left out, each with the reason
        set.json        counts, digest and versions; written last

The folder appears whole or not at all. The data folder is never written to.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from indomain import files, images, manifests
from indomain.errors import RequestError
from indomain.progress import track

# pandas takes half a second to import, which a recipe that is already done need not wait for.
if TYPE_CHECKING:
    import pandas as pd

VERSION = 1
INDEX_COLUMNS = ["id", "file", "label", "patient", "study", "part", "view", "split", "sha256", "phash"]


@dataclass(frozen=True)
class PreparedSet:
    """A prepared set on disk. Nothing is read before it is asked for."""

    folder: Path
    manifest: manifests.Manifest
    facts: dict[str, Any]  # set.json: digest, images, channels, size, unreadable

    @property
    def digest(self) -> str:
        """16 hexadecimal digits for the pixels and the index, whatever the folder and the machine."""
        return self.facts["digest"]

    def index(self) -> "pd.DataFrame":
        """One row an image, in the order of the array; every column is text, empty where unknown."""
        import pandas as pd

        return pd.read_csv(self.folder / "index.csv", dtype=str, keep_default_na=False)

    def images(self) -> np.ndarray:
        """uint8 (N, rows, columns) or (N, rows, columns, 3), memory-mapped and read-only."""
        return np.load(self.folder / "images.npy", mmap_mode="r")

    def masks(self) -> np.ndarray | None:
        """uint8 (N, rows, columns), 255 on the abnormality, or None where the set has no masks."""
        path = self.folder / "masks.npy"
        return np.load(path, mmap_mode="r") if path.is_file() else None

    def unreadable(self) -> "pd.DataFrame":
        """`file` and `reason` of what was left out."""
        import pandas as pd

        return pd.read_csv(self.folder / "unreadable.csv", dtype=str, keep_default_na=False)


def prepare(
    manifest: manifests.Manifest, data_dir: Path, cache_dir: Path, size: tuple[int, int], quiet: bool = False
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
    facts = folder / "set.json"
    if facts.is_file():
        return PreparedSet(folder, manifest, files.read_json(facts))
    from indomain import readers

    records = readers.read(manifest, data_dir, size)
    cache_dir.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=".preparing-", dir=cache_dir))
    try:
        _build(manifest, records, building, size, quiet)
        try:
            os.rename(building, folder)
        except OSError:
            # Another process was first with the same set: its folder is as good.
            if not facts.is_file():
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return PreparedSet(folder, manifest, files.read_json(facts))


def _recipe_of(manifest: manifests.Manifest, data_dir: Path, size: tuple[int, int]) -> dict[str, Any]:
    """Everything that decides what a prepared set holds; the files are known by path, length and time of change."""
    how = manifest.model_dump(include={"name", "read", "images", "split_names", "strict_files"})
    return {"version": VERSION, "how": how, "size": size, "files": _fingerprint(manifest, data_dir)}


def _fingerprint(manifest: manifests.Manifest, data_dir: Path) -> list[Any]:
    read = manifest.read
    if isinstance(read, manifests.NpzReader):
        paths: Iterable[Path] = [data_dir / read.file]
    elif isinstance(read, manifests.FolderReader | manifests.CsvReader):
        from indomain.readers.folder import list_files

        paths = list_files(data_dir / read.root)
    else:
        from indomain import phantom

        return [phantom.VERSION]
    found = [(str(path), path.stat()) for path in paths if path.is_file()]
    return [[name, state.st_size, state.st_mtime_ns] for name, state in found]


def _build(manifest: manifests.Manifest, records: list, folder: Path, size: tuple[int, int], quiet: bool) -> None:
    channels = _channels(manifest, records)
    shape = (len(records), *size) if channels == 1 else (len(records), *size, 3)
    has_masks = any(record.mask for record in records)
    pictures = np.lib.format.open_memmap(folder / "images.npy", mode="w+", dtype=np.uint8, shape=shape)
    masks = None
    if has_masks:
        masks = np.lib.format.open_memmap(folder / "masks.npy", "w+", np.uint8, (len(records), *size))
    rows: list[list[str]] = []
    unreadable: list[list[str]] = []

    def decoded(record):
        try:
            picture = images.resize(record.load(), size, manifest.images.fit)
            picture = images.to_channels(picture, channels)
            mask = images.resize(record.mask(), size, manifest.images.fit) if record.mask else None
            known = [*(getattr(record, name) for name in INDEX_COLUMNS[:-2])]
            known += [images.pixel_sha256(picture), images.perceptual_hash(picture)]
            return picture, mask, known
        except images.UnreadableImage as error:
            return None, None, [record.file, str(error)]

    # Pillow and NumPy release the interpreter's lock while they decode and resize: threads fill the cores.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = _in_order(pool, decoded, records)
        for picture, mask, known in track(done, f"preparing {manifest.name}", len(records), quiet):
            if picture is None:
                if manifest.strict_files:
                    raise RequestError(
                        f"{known[0]}: {known[1]}. The manifest of {manifest.name} has strict_files = true; mend or "
                        "remove the file, or set strict_files = false to leave it out."
                    )
                unreadable.append(known)
                continue
            place = len(rows)
            pictures[place] = picture if channels == 3 else picture[..., 0]
            if masks is not None and mask is not None:
                masks[place] = mask
            rows.append(known)
    if not rows:
        raise RequestError(
            f"{manifest.name}: none of the {len(records)} files could be read; the first: {unreadable[0][0]}: {unreadable[0][1]}."
        )
    del pictures, masks
    for name in ("images.npy", "masks.npy"):
        if (folder / name).is_file() and unreadable:
            _cut(folder / name, len(rows))
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
        },
    )


def _channels(manifest: manifests.Manifest, records: list) -> int:
    """1 if every picture is grey, else 3; or as the manifest says."""
    if manifest.images.channels != "auto":
        return 1 if manifest.images.channels == "grey" else 3
    for record in records:
        try:
            if not record.grey():
                return 3
        except images.UnreadableImage:
            continue
    return 1


def _in_order(pool: ThreadPoolExecutor, function, items: list) -> Iterator:
    """`pool.map`, but with a bounded number of results in memory at a time."""
    ahead, together = 4 * (os.cpu_count() or 1), 8  # handing pictures over one by one costs more than some take
    waiting = []
    for start in range(0, len(items), together):
        waiting.append(pool.submit(lambda part: [function(item) for item in part], items[start : start + together]))
        if len(waiting) >= ahead:
            yield from waiting.pop(0).result()
    for future in waiting:
        yield from future.result()


def _cut(path: Path, rows: int) -> None:
    """Shortens an array on disk to its first `rows` entries, without reading it whole."""
    full = np.load(path, mmap_mode="r")
    shorter = path.with_suffix(".cut.npy")
    kept = np.lib.format.open_memmap(shorter, mode="w+", dtype=full.dtype, shape=(rows, *full.shape[1:]))
    for start in range(0, rows, 1024):
        kept[start : start + 1024] = full[start : min(start + 1024, rows)]
    kept.flush()
    os.replace(shorter, path)
