"""Files and digests: what is written appears whole or not at all, and equal content has an equal name."""

import contextlib
import hashlib
import itertools
import json
import os
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indomain.errors import RequestError


@contextlib.contextmanager
def written(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, of the same suffix, that takes its place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; results are meant to be shared like any other file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Named arrays as an uncompressed `.npz`."""
    import numpy as np

    with written(path) as temporary:
        np.savez(temporary, **arrays)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def digest_of(value: Any) -> str:
    """16 hexadecimal digits of the SHA-256 of a JSON value; the order of keys does not matter, that of lists does."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(folder: Path, without_digest: tuple[str, ...] = ()) -> dict[str, list]:
    """[length, SHA-256] of every file that lies in a folder, for `integrity_errors`; no digest of the files named."""
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    digests = {path.name: None if path.name in without_digest else file_sha256(path) for path in paths}
    return {path.name: [path.stat().st_size, digests[path.name]] for path in paths}


def integrity_errors(folder: Path, written: dict[str, list], lengths_only: bool = False) -> Iterator[str]:
    """Where a folder differs from what `contents` recorded, as text."""
    for name, (length, digest) in written.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != length:
            yield f"{name} has {path.stat().st_size} of {length} bytes"
        elif digest and not lengths_only and file_sha256(path) != digest:
            yield f"{name} is not what was written: its SHA-256 differs"


def quarantine(folder: Path) -> Path:
    """Moves a damaged folder out of the way, as <name>.damaged, kept for inspection."""
    for number in itertools.count(1):
        aside = folder.with_name(f"{folder.name}.damaged{'' if number == 1 else f'-{number}'}")
        if not aside.exists():
            os.rename(folder, aside)
            return aside
    raise AssertionError("unreachable")


def read_record(folder: Path, name: str, lengths_only: bool = False) -> dict[str, Any] | None:
    """The JSON file that a finished folder ends with, if it is there and the files are what its `files` says.

    A folder with a fault is quarantined, and its name and the fault are printed; the caller makes it again.
    """
    if not (folder / name).is_file():
        return None
    try:
        record = read_json(folder / name)
        fault = next(integrity_errors(folder, record.get("files", {}), lengths_only), None)
    except ValueError:
        fault = f"{name} cannot be read"
    if fault is None:
        return record
    with contextlib.suppress(FileNotFoundError):  # another process was first
        print(f"{folder.name}: {fault}. Quarantined as {quarantine(folder).name}; it is made again.", file=sys.stderr)
    return None


def flush(path: Path) -> None:
    """Has the system put a file's content on the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def shipped(folder: str) -> Path:
    """The folder of shipped TOML files: inside the installed package, or at the top of a checkout."""
    here = Path(__file__).resolve().parent
    installed = here / "shipped" / folder
    return installed if installed.is_dir() else here.parent / folder


UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)  # what NumPy raises for a broken .npz


def make_folder(work: Path) -> None:
    """Makes a folder for runs.

    Raises:
        RequestError: nothing can be written there.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(f"{work} cannot be made ({error.strerror}); give another runs folder: --runs-dir.") from None
    if not os.access(work, os.W_OK):
        raise RequestError(f"{work} cannot be written to; give another runs folder: --runs-dir.")
