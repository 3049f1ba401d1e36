"""Paths and names of splits, shared by all readers."""

import os
import re
from pathlib import Path

from indomain.data.manifest import Manifest
from indomain.errors import RequestError

# Names that data sets use for the three splits; the split_names of a manifest take precedence.
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


def path_in(manifest: Manifest, data_dir: Path, *parts: str) -> Path:
    """Returns a path that a manifest, or a table of its data set, refers to.

    Args:
        manifest: the data set.
        data_dir: the folder that holds the data sets.
        *parts: the path, relative to `data_dir`.

    Raises:
        RequestError: if the path is outside the data folder and the manifest does not allow that (`outside = true`).
    """
    path = data_dir.joinpath(*parts)
    outside = getattr(manifest.read, "outside", False)
    # Symbolic links are not resolved: those inside the data folder were put there by its owner.
    if not outside and not Path(os.path.abspath(path)).is_relative_to(os.path.abspath(data_dir)):
        raise RequestError(
            f"{manifest.name}: {'/'.join(parts)} is outside the data folder {data_dir}. If you trust the manifest, set "
            "outside = true in its [read] table."
        )
    return path


def missing(manifest: Manifest, data_dir: Path, what: str) -> RequestError:
    """Returns the error for missing data, which explains how to get them.

    Args:
        manifest: the data set.
        data_dir: the folder that holds the data sets.
        what: what is missing, as text: "the folder is not there".
    """
    path = getattr(manifest.read, "root", None) or getattr(manifest.read, "file", "")
    expected = data_dir / str(path)
    get = f"\n  Get it: {manifest.get}" if manifest.get else ""
    for folder, different in manifest.other_versions.items():
        if (data_dir / folder).exists():
            get = f"\n  Found {data_dir / folder}, which is another version: {different}.{get}"
    return RequestError(
        f"{manifest.name}: {what} (looked for {expected}).{get}"
        f"\n  Put it below {data_dir}, or name another folder with --data-dir or INDOMAIN_DATA."
    )


def split_of(word: str, manifest: Manifest) -> str:
    """Translates a data set's name for a split.

    Args:
        word: the name, in upper or lower case; "" for none.
        manifest: the data set; its `split_names` are translated too.

    Returns:
        "train", "val" or "test", or "" for none.

    Raises:
        RequestError: if the name is unknown.
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


def patient_in(text: str, pattern: str, manifest: Manifest, where: str) -> str:
    """The patient in a text that holds more, such as "10_left".

    Args:
        text: the text.
        pattern: the manifest's `patient_pattern`; "": the text is the patient.
        manifest: the data set.
        where: where the text stands, for the message.

    Raises:
        RequestError: if the pattern is no regular expression with a group, or does not match.
    """
    if not pattern:
        return text
    try:
        found = re.search(pattern, text)
        if found:
            return found.group(1)
    except (re.error, IndexError) as error:
        raise RequestError(f"{manifest.name}: patient_pattern = {pattern!r} needs one group: {error}.") from None
    raise RequestError(f"{manifest.name}: patient_pattern = {pattern!r} finds no patient in {text!r}, {where}.")
