"""Files and digests: a file is written completely or not at all, and equal content has equal digests."""

import contextlib
import hashlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indomain.errors import RequestError


@contextlib.contextmanager
def written(path: Path) -> Iterator[Path]:
    """Context manager that replaces `path` atomically.

    Yields a temporary path in the same folder and with the same suffix. It is renamed to `path` when the block ends, and
    deleted if the block raises.

    Args:
        path: the file to write; missing parent folders are created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp creates private files; results should have the same permissions as any other file.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def written_folder(folder: Path) -> Iterator[Path]:
    """Context manager that writes a folder completely or not at all.

    Yields a temporary folder beside it. It is renamed to `folder` when the block ends, and deleted if the block raises.

    Args:
        folder: the folder to write; missing parent folders are created.

    Raises:
        RequestError: the folder exists.
    """
    if folder.exists():
        raise RequestError(f"{folder} exists already. Remove it, or name another folder with --output.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name[:40]}-", dir=folder.parent))
    try:
        yield building
        # mkdtemp creates private folders.
        building.chmod(0o755)
        os.rename(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Writes a text file in UTF-8, atomically.

    Args:
        path: the file to write.
        text: its content.
    """
    with written(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Writes a JSON file, atomically.

    Args:
        path: the file to write.
        value: any value that JSON can represent.
    """
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_arrays(path: Path, arrays: dict[str, Any]) -> None:
    """Writes named arrays to an uncompressed `.npz` file, atomically.

    Args:
        path: the file to write.
        arrays: NumPy arrays by name, of any shape.
    """
    import numpy as np

    with written(path) as temporary:
        np.savez(temporary, **arrays)


def read_json(path: Path) -> Any:
    """Returns the content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def digest_of(value: Any) -> str:
    """Returns the first 16 hexadecimal digits of the SHA-256 of a JSON value.

    The order of keys does not matter; the order of lists does.

    Args:
        value: any value that JSON can represent; NaN and infinity are not allowed.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """Returns the SHA-256 of a file's content, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def contents(folder: Path, without_digest: tuple[str, ...] = ()) -> dict[str, list]:
    """Returns [length in bytes, SHA-256] for every file directly inside a folder, for `integrity_errors`.

    Args:
        folder: the folder; its subfolders are ignored.
        without_digest: names of files whose SHA-256 is not computed, but stored as None.
    """
    paths = [path for path in sorted(folder.iterdir()) if path.is_file()]
    digests = {path.name: None if path.name in without_digest else file_sha256(path) for path in paths}
    return {path.name: [path.stat().st_size, digests[path.name]] for path in paths}


def integrity_errors(folder: Path, written: dict[str, list], lengths_only: bool = False) -> Iterator[str]:
    """Yields each difference between a folder and what `contents` recorded for it, as text.

    Args:
        folder: the folder to check.
        written: what `contents` returned when the folder was finished.
        lengths_only: compare lengths, but do not read the files for their SHA-256.
    """
    for name, (length, digest) in written.items():
        path = folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif path.stat().st_size != length:
            yield f"{name} has {path.stat().st_size} of {length} bytes"
        elif digest and not lengths_only and file_sha256(path) != digest:
            yield f"{name} has changed since it was written: its SHA-256 differs"


def quarantine(folder: Path) -> Path:
    """Renames a damaged folder to `<name>.damaged`, or `<name>.damaged-2` ..., and keeps it for inspection.

    Args:
        folder: the folder to rename.

    Returns:
        The new path.
    """
    for number in itertools.count(1):
        target = folder.with_name(f"{folder.name}.damaged{'' if number == 1 else f'-{number}'}")
        if not target.exists():
            os.rename(folder, target)
            return target
    raise AssertionError("unreachable")


def read_record(folder: Path, name: str, lengths_only: bool = False) -> dict[str, Any] | None:
    """Reads the JSON file that was written last into a finished folder, and checks the folder against its `files` entry.

    A folder that fails the check is quarantined, and its name and the fault are printed; the caller then rebuilds it.

    Args:
        folder: the folder to read.
        name: the name of the JSON file.
        lengths_only: compare lengths, but do not read the files for their SHA-256.

    Returns:
        The content of the file, or None if the folder is unfinished or damaged.
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
    with contextlib.suppress(FileNotFoundError):  # another process has already moved it
        print(f"{folder.name}: {fault}. Quarantined as {quarantine(folder).name}; it will be rebuilt.", file=sys.stderr)
    return None


def flush(path: Path) -> None:
    """Makes the operating system write a file's content to the disk."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def shipped(folder: str) -> Path:
    """Returns a folder of TOML files that ship with the package.

    Args:
        folder: its name. It is looked for inside the installed package, then at the top of a checkout.
    """
    here = Path(__file__).resolve().parent
    installed = here / "shipped" / folder
    return installed if installed.is_dir() else here.parent / folder


UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)  # what NumPy raises for a damaged .npz


def make_folder(work: Path) -> None:
    """Creates a folder for runs, if it does not exist.

    Args:
        work: the folder.

    Raises:
        RequestError: if the folder cannot be created or is not writable.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"{work} cannot be created ({error.strerror}); choose another runs folder with --runs-dir."
        ) from None
    if not os.access(work, os.W_OK):
        raise RequestError(f"{work} is not writable; choose another runs folder with --runs-dir.")
