"""Publishing: copies the files of a finished run into a folder where people look for them."""

import filecmp
import shutil
from pathlib import Path

from indomain import files
from indomain.artifacts.record import read_record

LIST = "published.json"  # in the results folder: names of the files that the last run published


def publish(source: Path, folder: Path) -> None:
    """Copies the files of a run into a folder, and removes what an earlier run published and this one does not have.

    Args:
        source: the finished run's folder.
        folder: the results folder; files that no run published are left alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in read_record(source).files if name != "task.json"]
    list_path = folder / LIST
    before = files.read_json(list_path) if list_path.is_file() else []
    for name in set(before) - set(names):
        (folder / name).unlink(missing_ok=True)
    # Written first, so that a command killed while copying leaves no unlisted file; written only where it changes, so
    # that a finished recipe can be read from a folder that nothing may be written to.
    if names != before:
        files.write_json(list_path, names)
    for name in names:
        if not (folder / name).is_file() or not filecmp.cmp(source / name, folder / name, shallow=True):
            with files.written(folder / name) as temporary:
                shutil.copy2(source / name, temporary)
