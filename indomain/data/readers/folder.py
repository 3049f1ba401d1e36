"""Reads folders of images: one folder per class, or paths that hold label, patient, study, body part, view and split."""

import os
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from indomain.data.manifest import COLUMNS, FolderReader, Manifest
from indomain.data.readers import Record, mask_in
from indomain.data.readers.paths import SPLIT_WORDS, missing, path_in, split_of
from indomain.errors import RequestError


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """Lists the image files below the root, in a fixed order. Mask files are not listed as images.

    Args:
        manifest: a data set with a `FolderReader`.
        data_dir: the folder that holds the data sets.
        size: (rows, columns) that images will be resized to; large JPEG files are decoded at a reduced size.

    Raises:
        RequestError: if the folder is missing, or its files do not fit the manifest.
    """
    options = manifest.read
    assert isinstance(options, FolderReader)
    root = path_in(manifest, data_dir, options.root)
    if not root.is_dir():
        raise missing(manifest, data_dir, "the folder is not there")
    # By the end of the name: ".nii.gz" is one suffix.
    files = [path for path in list_files(root) if path.name.lower().endswith(tuple(options.suffixes))]
    named = [(path.relative_to(root).as_posix(), path) for path in files]
    masks = {
        str(path): _mask_path(manifest, options.masks, options.root, data_dir, name)
        for name, path in named
        if options.masks
    }
    mask_files = {str(path) for path in masks.values() if path.is_file()}
    if options.masks and not mask_files:
        example = next(iter(masks.values()), root)
        raise RequestError(
            f"{manifest.name}: masks = {options.masks!r} matches no file; the first one expected is {example}."
        )
    named = [(name, path) for name, path in named if str(path) not in mask_files]
    if options.pattern:
        records = _by_pattern(manifest, options.pattern, root, named, size)
    elif options.labelled:
        records = _by_class_folder(manifest, root, named, size)
    else:
        records = [Record.of_file(path, name, size, {}) for name, path in named]
    return [replace(record, mask=mask_in(masks[record.file])) if masks else record for record in records]


def _mask_path(manifest: Manifest, template: str, top: str, data_dir: Path, name: str) -> Path:
    folder, _, file = name.rpartition("/")
    try:
        name = template.format(stem=file.rpartition(".")[0], folder=folder or ".")
    except (KeyError, IndexError, ValueError) as error:
        raise RequestError(f"{manifest.name}: masks = {template!r} names {error}; known: stem, folder.") from None
    return path_in(manifest, data_dir, top, name)


def list_files(root: Path) -> list[Path]:
    """Returns every file below `root`, in a fixed order. Hidden files and the `__MACOSX` folders of archives are skipped."""
    paths = []
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        paths += [Path(folder) / name for name in sorted(names) if not name.startswith(".")]
    return paths


def pattern_regex(pattern: str, more: Iterable[str] = ()) -> re.Pattern[str]:
    """Returns the regular expression for a path pattern, with one named group per column. It ignores case.

    Args:
        pattern: `{column}` matches within one folder or file name (`[^/]+?`), `{column:REGEX}` whatever the expression
            matches, and `*` any part of a name, or nothing. A column that occurs again must match the same text.
        more: further columns that the manifest names.

    Raises:
        RequestError: if a column is unknown, or the result is not a valid regular expression.
    """
    parts, seen = [], set()
    for piece in re.split(r"(\{\w+(?::(?:[^{}]|\{[^{}]*\})*)?\}|\*)", pattern):
        if piece == "*":
            parts.append("[^/]*")
        elif piece.startswith("{"):
            name, _, expression = piece[1:-1].partition(":")
            if name not in (*COLUMNS, *more, "id"):
                raise RequestError(
                    f"the path pattern {pattern!r} names {{{name}}}; known: {', '.join((*COLUMNS, *more))}, id. A column of your "
                    "own is named by `more` in the manifest."
                )
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{expression or '[^/]+?'})")
            seen.add(name)
        else:
            parts.append(re.escape(piece))
    try:
        # Cameras write both .PNG and .png.
        return re.compile("".join(parts), re.IGNORECASE)
    except re.error as error:
        raise RequestError(f"the path pattern {pattern!r} is not a valid regular expression: {error}.") from None


def _by_pattern(
    manifest: Manifest, pattern: str, root: Path, files: list[tuple[str, Path]], size: tuple[int, int]
) -> list[Record]:
    expression = pattern_regex(pattern, manifest.more)
    records: list[Record] = []
    unmatched: list[tuple[str, Path]] = []
    for name, path in files:
        match = expression.fullmatch(name)
        if match is None:
            unmatched.append((name, path))
        else:
            columns = {column: value or "" for column, value in match.groupdict().items()}
            columns["split"] = split_of(columns.get("split", ""), manifest)
            columns["body_part"] = columns.get("body_part", "").lower()
            records.append(Record.of_file(path, columns.pop("id", "") or name, size, columns))
    if files and not records:
        raise RequestError(
            f"{manifest.name}: none of the {len(files)} images below {root} fits the pattern {pattern!r}; "
            f"the first is {files[0][0]!r}."
        )
    return records + [Record.not_read(path, name, f"does not fit the pattern {pattern}") for name, path in unmatched]


def _by_class_folder(
    manifest: Manifest, root: Path, files: list[tuple[str, Path]], size: tuple[int, int]
) -> list[Record]:
    top = {name.split("/")[0] for name, _ in files if "/" in name}
    split_words = {*SPLIT_WORDS, *(name.lower() for name in manifest.split_names)}
    has_splits = bool(top) and all(name.lower() in split_words for name in top)
    others = sorted(name for name in top if name.lower() not in split_words)
    if others and any(name.lower() in ("train", "training", "test", "testing") for name in top):
        raise RequestError(
            f"{manifest.name}: {root} holds split folders and also {', '.join(others)}. Name it in split_names in the "
            "manifest, add a pattern, or move it."
        )
    depth = 2 if has_splits else 1
    records = []
    for name, path in files:
        parts = name.split("/")
        if len(parts) <= depth:
            raise RequestError(
                f"{manifest.name}: {path} is not in a class folder. Expected "
                f"{'SPLIT/CLASS/IMAGE' if has_splits else 'CLASS/IMAGE'} below {root}; "
                "for images without labels set labelled = false in the manifest."
            )
        split = split_of(parts[0], manifest) if has_splits else ""
        records.append(Record.of_file(path, name, size, {"label": parts[depth - 1], "split": split}))
    return records
