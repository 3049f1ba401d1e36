"""Publishing: the files of a finished run copied into a folder where people look for them."""

import filecmp
import shutil
from pathlib import Path

from indomain import files
from indomain.artifacts.record import read_record

LIST = "published.json"  # in the folder: what the last run put there


def publish(source: Path, folder: Path) -> None:
    """Puts the files of a run into a folder; what the run before had put there and this one does not have is removed.

    Args:
        source: the finished run's folder.
        folder: where its files go; files of other origin are left alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in read_record(source).files if name != "task.json"]
    listed = folder / LIST
    before = files.read_json(listed) if listed.is_file() else []
    for name in set(before) - set(names):
        (folder / name).unlink(missing_ok=True)
    # Written first: a command that is killed while it copies leaves no file that nobody knows. Written only where it
    # changes: what is published already can be read where nothing may be written.
    if names != before:
        files.write_json(listed, names)
    for name in names:
        if not (folder / name).is_file() or not filecmp.cmp(source / name, folder / name, shallow=True):
            with files.written(folder / name) as temporary:
                shutil.copy2(source / name, temporary)
