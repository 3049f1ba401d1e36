"""Pictures named by CSV files, with columns for label, patient, study, part, view and split."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from indomain.data.manifest import COLUMNS, CsvReader, Manifest
from indomain.data.readers import Record, mask_in
from indomain.data.readers.paths import missing, path_in, split_of
from indomain.errors import RequestError, unknown

# What a column of 0 and 1 says for 1, in the tables that are around.
_YES = ("1", "1.0", "true", "yes")


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    options = manifest.read
    assert isinstance(options, CsvReader)
    root = path_in(manifest, data_dir, options.root)
    if not root.is_dir():
        raise missing(manifest, data_dir, "the folder is not there")
    records = []
    for table in options.tables:
        path = path_in(manifest, data_dir, options.root, table.file)
        if not path.is_file():
            raise missing(manifest, data_dir, f"the table {table.file} is not there")
        frame = _table(path, table.columns)
        if table.join:
            beside = path_in(manifest, data_dir, options.root, table.join)
            if not beside.is_file():
                raise missing(manifest, data_dir, f"the table {table.join} is not there")
            frame = _joined(frame, _table(beside, []), options.image, path, beside)
        asked = [options.image, *options.label_columns]
        asked += [name for name in (getattr(options, column) for column in COLUMNS) if name]
        for name in asked:
            if name not in frame.columns:
                raise unknown("column", name, list(frame.columns), str(path))
        for row in frame.to_dict("records"):
            words = {str(name): str(value) for name, value in row.items()}
            try:
                name, mask = (
                    one.format(**{**words, "image": words[options.image]}) for one in (table.images, table.masks)
                )
            except (KeyError, IndexError, ValueError) as error:
                raise RequestError(
                    f"{manifest.name}: images or masks names {error}, which is no column of {path}."
                ) from None
            file = path_in(manifest, data_dir, options.root, name)
            found = {column: str(row[getattr(options, column)]) for column in COLUMNS if getattr(options, column)}
            found["split"] = split_of(table.split or found.get("split", ""), manifest)
            if options.label_columns:
                found["label"] = _one_hot(options, words, path)
            # One table may number its pictures as another does: then their paths tell them apart.
            record = Record.of_file(file, words[options.image] if len(options.tables) == 1 else name, size, found)
            if mask:
                record = replace(record, mask=mask_in(path_in(manifest, data_dir, options.root, mask)))
            records.append(record)
    return records


def _table(path: Path, columns: list[str]) -> pd.DataFrame:
    """A table with every cell as text: ids such as 007 must not become 7."""
    named = {"names": columns, "header": None} if columns else {}
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True, **named)
    except ValueError as error:
        raise RequestError(f"{path}: not a table in UTF-8 with commas: {error}.") from None


def _joined(frame: pd.DataFrame, other: pd.DataFrame, image: str, path: Path, beside: Path) -> pd.DataFrame:
    """The columns of both tables; a picture that the second does not name has empty cells."""
    for where, table in ((path, frame), (beside, other)):
        if image not in table.columns:
            raise unknown("column", image, list(table.columns), str(where))
    twice = other[image][other[image].duplicated()]
    if len(twice):
        raise RequestError(f"{beside}: the picture {twice.iloc[0]!r} stands in two lines.")
    new = [image, *(name for name in other.columns if name not in frame.columns)]
    return frame.merge(other[new], on=image, how="left").fillna("")


def _one_hot(options: CsvReader, row: dict[str, str], path: Path) -> str:
    """The class of a row with one 0/1 column a class."""
    named = [column for column in options.label_columns if row[column].strip().lower() in _YES]
    if len(named) == 1:
        return named[0]
    if not named and options.otherwise:
        return options.otherwise
    raise RequestError(
        f"{path}: {row[options.image]!r} has {len(named)} classes among {', '.join(options.label_columns)}; "
        "one is needed (`otherwise` in the manifest names the class of rows without any)."
    )
