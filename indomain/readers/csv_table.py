"""Pictures named by CSV files, with columns for label, patient, study, part, view and split."""

from pathlib import Path

import pandas as pd

from indomain.errors import RequestError, unknown
from indomain.manifests import COLUMNS, CsvReader, Manifest
from indomain.readers import Record, missing, split_of


def read(manifest: Manifest, data_dir: Path, size: tuple[int, int]) -> list[Record]:
    options = manifest.read
    assert isinstance(options, CsvReader)
    root = data_dir / options.root
    if not root.is_dir():
        raise missing(manifest, data_dir, "the folder is not there")
    records = []
    for table in options.tables:
        path = root / table.file
        if not path.is_file():
            raise missing(manifest, data_dir, f"the table {table.file} is not there")
        # Everything is read as text: ids such as 007 must not become 7.
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
        asked = [options.image, *options.label_columns]
        asked += [name for name in (getattr(options, column) for column in COLUMNS) if name]
        for name in asked:
            if name not in frame.columns:
                raise unknown("column", name, list(frame.columns), str(path))
        for row in frame.to_dict("records"):
            file = root / table.images.format(image=row[options.image])
            found = {column: str(row[getattr(options, column)]) for column in COLUMNS if getattr(options, column)}
            found["split"] = split_of(table.split or found.get("split", ""), manifest)
            if options.label_columns:
                found["label"] = _one_hot(options, {str(name): value for name, value in row.items()}, path)
            records.append(Record.of_file(file, str(row[options.image]), size, found))
    return records


def _one_hot(options: CsvReader, row: dict[str, str], path: Path) -> str:
    """The class of a row with one 0/1 column a class."""
    named = [column for column in options.label_columns if row[column] and float(row[column]) == 1]
    if len(named) == 1:
        return named[0]
    if not named and options.otherwise:
        return options.otherwise
    raise RequestError(
        f"{path}: {row[options.image]!r} has {len(named)} classes among {', '.join(options.label_columns)}; "
        "one is needed (`otherwise` in the manifest names the class of rows without any)."
    )
