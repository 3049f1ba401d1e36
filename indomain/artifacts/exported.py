"""An exported model: a folder, or the same as one .zip file, with all that is needed to use it elsewhere.

model.json          what it is, how images are brought to it, what it was learnt from, and the SHA-256 of each file
README.md           a card for people, in the form that model hubs read
network-0.keras     the network, or those whose features a classifier reads
classifier.skops    that classifier, if there is one
seen.npz            digests and perceptual hashes of the images that it has learnt from, and what they are like
"""

import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from indomain import files
from indomain.errors import RequestError, unknown

CONTENT, CARD, SEEN, CLASSIFIER = "model.json", "README.md", "seen.npz", "classifier.skops"
FORMAT = 1
PREFIX = "model:"  # of a chain that starts from an exported model
# What a file may hold at most, unpacked: a .zip of a few kB can hold terabytes of zeros.
MOST_BYTES = 20 * 2**30


@dataclass(frozen=True)
class ExportedModel:
    """An exported model whose files have been checked.

    Attributes:
        folder: the folder that holds it.
        content: that of `model.json`.
    """

    folder: Path
    content: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.content["name"])

    @property
    def classes(self) -> list[str]:
        """The names of its classes, by class number."""
        return list(self.content["classes"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(rows, columns, channels) of the images that it takes."""
        rows, columns, channels = self.content["input"]["shape"]
        return rows, columns, channels

    @property
    def learnt_channels(self) -> int:
        """1 if the images that it has learnt from were grey, even where it takes three channels; else 3."""
        return 1 if self.content["input"]["grey"] else 3

    @property
    def networks(self) -> list[Path]:
        """The files of its networks."""
        return [self.folder / network["file"] for network in self.content["networks"]]

    @property
    def classifier(self) -> Path | None:
        """The file of its classifier; None where the network has a head of its own."""
        return self.folder / CLASSIFIER if self.content["classifier"] else None


def write(folder: Path, content: dict[str, Any]) -> None:
    """Writes `model.json`, last, with the length and SHA-256 of the files that are there.

    Args:
        folder: with all other files.
        content: all but `format` and `files`.
    """
    files.write_json(folder / CONTENT, {"format": FORMAT, **content, "files": files.contents(folder)})


def read(folder: Path) -> ExportedModel:
    """An exported model, after every file of it has been read.

    Args:
        folder: the folder that holds it.

    Raises:
        RequestError: there is none, it was written by a later version, or one of its files has changed.
    """
    try:
        content = files.read_json(folder / CONTENT)
    except FileNotFoundError:
        raise RequestError(f"{folder} holds no exported model: there is no {CONTENT} in it.") from None
    except ValueError:
        raise RequestError(f"{folder / CONTENT} cannot be read. Export or import the model again.") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise RequestError(
            f"{folder / CONTENT} has format {found!r}, and this version of indomain reads {FORMAT}. Update indomain, or export "
            "the model again."
        )
    for fault in files.integrity_errors(folder, content["files"]):
        raise RequestError(
            f"{folder}: {fault}: this is not the model that was exported. Export or import it again, and do not use it so."
        )
    return ExportedModel(folder, content)


def packed(folder: Path, path: Path) -> None:
    """Writes an exported model as one .zip file; it appears complete or not at all.

    Args:
        folder: the model's.
        path: the file.
    """
    with files.written(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for part in sorted(folder.iterdir()):
            archive.write(part, part.name)


def unpacked(path: Path, folder: Path) -> None:
    """Unpacks what `packed` wrote; nothing but plain files with plain names.

    Args:
        path: the .zip file.
        folder: an existing folder.

    Raises:
        RequestError: it is not such a file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if CONTENT not in [part.filename for part in parts]:
                raise RequestError(f"{path} holds no exported model: there is no {CONTENT} in it.")
            if any(os.path.basename(part.filename) != part.filename or part.is_dir() for part in parts):
                raise RequestError(f"{path} holds folders, which an exported model does not have; it was not unpacked.")
            if sum(part.file_size for part in parts) > MOST_BYTES:
                raise RequestError(f"{path} would unpack to more than {MOST_BYTES >> 30} GB; it was not unpacked.")
            for part in parts:
                with archive.open(part) as source, open(folder / part.filename, "wb") as target:
                    shutil.copyfileobj(source, target)
    except zipfile.BadZipFile:
        raise RequestError(f"{path} is not a .zip file, or is damaged.") from None


def models_folder() -> Path:
    """The folder of the models that have a name: INDOMAIN_MODELS, or one in the user's home."""
    return Path(os.environ.get("INDOMAIN_MODELS") or "~/.local/share/indomain/models").expanduser()


def names() -> list[str]:
    """The names of the models in that folder, sorted."""
    folder = models_folder()
    return sorted(path.parent.name for path in folder.glob(f"*/{CONTENT}")) if folder.is_dir() else []


def place_of(word: str, *beside: Path) -> Path:
    """The folder or file of an exported model.

    Args:
        word: its path, or its name among `names`.
        *beside: folders that a relative path starts from; the working directory comes last.

    Raises:
        RequestError: there is no such model.
    """
    for folder in (*beside, Path()):
        path = folder / word
        if (path / CONTENT).is_file() or (path.suffix == ".zip" and path.is_file()):
            return path
    if word in names():
        return models_folder() / word
    if "/" in word or word.endswith(".zip"):
        raise RequestError(f"there is no exported model at {word}.")
    raise unknown("model", word, names() or ["none yet: indomain models export"])


def opened(word: str, *beside: Path) -> ExportedModel:
    """An exported model by its path or name; a .zip file is unpacked to a temporary folder.

    Args:
        word: its path, or its name.
        *beside: folders that a relative path starts from.

    Raises:
        RequestError: there is no such model, or one of its files has changed.
    """
    path = place_of(word, *beside)
    if path.is_dir():
        return _read_once(path.absolute(), (path / CONTENT).stat().st_mtime_ns)
    return _read_zip(path.absolute(), path.stat().st_mtime_ns)


@cache
def _read_once(folder: Path, changed: int) -> ExportedModel:
    """As `read`: a recipe asks for a model many times, and its files are read once."""
    return read(folder)


@cache
def _read_zip(path: Path, changed: int) -> ExportedModel:
    """As `read`, from a temporary folder, which is removed when the process ends."""
    temporary = tempfile.TemporaryDirectory(prefix="indomain-")
    _UNPACKED.append(temporary)
    unpacked(path, Path(temporary.name))
    return read(Path(temporary.name))


_UNPACKED: list[tempfile.TemporaryDirectory] = []
