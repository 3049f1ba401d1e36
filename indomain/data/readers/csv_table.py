"""Reads images listed in CSV files with columns for label, patient, study, body part, view and split."""

import glob
from dataclasses import replace
from pathlib import Path

import pandas as pd

from indomain.data.manifest import COLUMNS, CsvReader, ImageTable, Manifest
from indomain.data.readers import Record, mask_in
from indomain.data.readers.paths import missing, path_in, patient_in, split_of
from indomain.errors import RequestError, unknown

# How 1 is written in the 0/1 columns of published tables.
_YES = ("1", "1.0", "true", "yes")


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    """Lists the images of the tables, row by row.

    Args:
        manifest: a data set with a `CsvReader`.
        data_dir: the folder that holds the data sets.
        size: (rows, columns) that images will be resized to; large JPEG files are decoded at a reduced size.

    Raises:
        RequestError: if the folder, a table or a column is missing, or a table is invalid.
    """
    options = manifest.read
    assert isinstance(options, CsvReader)
    root = path_in(manifest, data_dir, options.root)
    if not root.is_dir():
        raise missing(manifest, data_dir, "the folder is not there")
    records = []
    for table in options.tables:
        frame, path = _frame(manifest, data_dir, options, table)
        for row in frame.to_dict("records"):
            words = {str(name): str(value) for name, value in row.items()}
            image = words[options.image]
            name = _filled(table.images, {**words, "image": image}, manifest, path)
            file = path_in(manifest, data_dir, options.root, name)
            if "*" in table.images:
                parts = [_filled(part, {**words, "image": image}, manifest, path) for part in table.images.split("*")]
                # Only the star is a pattern, whatever cells and folders are called.
                pattern = "*".join(map(glob.escape, parts))
                found = sorted(Path(one).as_posix() for one in glob.glob(pattern, root_dir=root))
                if not found:
                    number = image if len(options.tables) == 1 else name
                    records.append(Record.not_read(file, number, f"there is no file {name}"))
                    continue
                if len(found) > 1:
                    raise RequestError(
                        f"{manifest.name}: {file} is {len(found)} files: {found[0]}, {found[1]}. Let `images` in the manifest "
                        "say more."
                    )
                name = words["file"] = found[0]
                file = path_in(manifest, data_dir, options.root, name)
            mask = _filled(table.masks, {**words, "image": image}, manifest, path)
            columns = {column: words[getattr(options, column)] for column in COLUMNS if getattr(options, column)}
            if options.patient:
                columns["patient"] = patient_in(
                    columns["patient"], options.patient_pattern, manifest, f"a row of {path}"
                )
            columns["split"] = split_of(table.split or columns.get("split", ""), manifest)
            columns |= {name: words[name] for name in manifest.more}
            if options.label_columns:
                columns["label"] = _one_hot(options, words, path)
            # Several tables may use the same image names: then the paths serve as ids.
            record = Record.of_file(file, image if len(options.tables) == 1 else name, size, columns)
            if mask:
                record = replace(record, mask=mask_in(path_in(manifest, data_dir, options.root, mask)))
            records.append(record)
    return records


def _filled(template: str, words: dict[str, str], manifest: Manifest, path: Path) -> str:
    """A path template with the cells of a row."""
    try:
        return template.format(**words)
    except (KeyError, IndexError, ValueError) as error:
        raise RequestError(
            f"{manifest.name}: images or masks names {error}, which is not a column of {path}."
        ) from None


def _frame(manifest: Manifest, data_dir: Path, options: CsvReader, table: ImageTable) -> tuple[pd.DataFrame, Path]:
    """The content of a table, joined with its second table, with all columns that the reader needs; and its path."""
    path = path_in(manifest, data_dir, options.root, table.file)
    if not path.is_file():
        raise missing(manifest, data_dir, f"the table {table.file} is not there")
    frame = _table(path, table.columns, options.separator)
    if table.join:
        second = path_in(manifest, data_dir, options.root, table.join)
        if not second.is_file():
            raise missing(manifest, data_dir, f"the table {table.join} is not there")
        frame = _joined(frame, _table(second, [], options.separator), options.image, path, second)
    if "*" in table.images and "file" in frame.columns:
        raise RequestError(
            f"{path}: with `*` in `images`, `file` is the path that was found; the table has a column of that name."
        )
    if "*" in table.masks:
        raise RequestError(
            f"{manifest.name}: masks = {table.masks!r}: `*` can stand in `images` only; `{{file}}` is what it found."
        )
    known = [*frame.columns, "file"] if "*" in table.images else list(frame.columns)
    for name in (options.image, *options.label_columns):
        if name not in frame.columns:
            raise unknown("column", name, list(frame.columns), str(path))
    for name in (*manifest.more, *filter(None, (getattr(options, column) for column in COLUMNS))):
        if name not in known:
            raise unknown("column", name, known, str(path))
    return frame, path


def _table(path: Path, columns: list[str], separator: str) -> pd.DataFrame:
    """The content of a CSV file, every cell as text: ids such as 007 must not become 7."""
    header = {"names": columns, "header": None} if columns else {}
    try:
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True, **header)
    except ValueError as error:
        raise RequestError(f"{path}: not a table in UTF-8 with {separator!r} between its cells: {error}.") from None


def _joined(frame: pd.DataFrame, other: pd.DataFrame, image: str, path: Path, other_path: Path) -> pd.DataFrame:
    """The columns of both tables; cells are empty for images that the second table does not list."""
    for where, table in ((path, frame), (other_path, other)):
        if image not in table.columns:
            raise unknown("column", image, list(table.columns), str(where))
    twice = other[image][other[image].duplicated()]
    if len(twice):
        raise RequestError(f"{other_path}: the image {twice.iloc[0]!r} is listed twice.")
    new = [image, *(name for name in other.columns if name not in frame.columns)]
    return frame.merge(other[new], on=image, how="left").fillna("")


def _one_hot(options: CsvReader, row: dict[str, str], path: Path) -> str:
    """The class of a row, from one 0/1 column per class."""
    classes = [column for column in options.label_columns if row[column].strip().lower() in _YES]
    if len(classes) == 1:
        return classes[0]
    if not classes and options.otherwise:
        return options.otherwise
    raise RequestError(
        f"{path}: {row[options.image]!r} has {len(classes)} classes among {', '.join(options.label_columns)}; "
        "one is needed (`otherwise` in the manifest names the class of rows without any)."
    )
