"""Paths and words that readers share."""

import os
from pathlib import Path

from indomain.data.manifest import Manifest
from indomain.errors import RequestError

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


def path_in(manifest: Manifest, data_dir: Path, *parts: str) -> Path:
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
