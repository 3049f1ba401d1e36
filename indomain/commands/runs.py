"""`indomain runs list | show | check | prune`."""

import argparse
import fcntl
import shutil

from indomain.artifacts.record import NAME, read_record
from indomain.errors import RequestError
from indomain.progress import track
from indomain.runs.folder import finished, integrity_errors


def listed(options: argparse.Namespace) -> None:
    """Prints all finished runs, the most recent last."""
    for folder in sorted(finished(options.runs_dir / "work"), key=lambda folder: (folder / NAME).stat().st_mtime):
        try:
            record = read_record(folder)
        except ValueError:
            print(f"{folder.name}  damaged: {NAME} cannot be read")
            continue
        print(f"{folder.name}  {record.started}  {record.seconds:8.1f} s  {record.title}")


def check(options: argparse.Namespace) -> int:
    """Reads every file of every finished run; the exit status is 1 if one has changed."""
    folders = sorted(finished(options.runs_dir / "work"))
    errors = [
        (folder, error) for folder in track(folders, "checking", len(folders)) for error in integrity_errors(folder)
    ]
    for folder, error in errors:
        print(f"{folder.name}: {error}")
    print(
        f"{len(folders)} finished runs, {len(errors)} damaged files."
        + (" Their recipes will redo these runs." if errors else "")
    )
    return 1 if errors else 0


def show(options: argparse.Namespace) -> None:
    """Prints the request and the record of the runs whose name contains a text."""
    work = options.runs_dir / "work"
    folders = [folder for folder in sorted(finished(work)) if options.id in folder.name]
    if not folders:
        raise RequestError(f"no finished run in {work} has {options.id!r} in its name.")
    for folder in folders:
        print(folder)
        for name in ("task.json", NAME):
            print((folder / name).read_text(encoding="utf-8"), end="")


def prune(options: argparse.Namespace) -> None:
    """Removes what unfinished and damaged runs left."""
    removed = 0
    work = options.runs_dir / "work"
    for folder in [*work.glob("*.partial"), *work.glob("*.damaged*")]:
        lock = folder.with_name(f".{folder.name.partition('.')[0]}.lock")
        with open(lock, "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"{folder.name} is being worked on: left alone.")
                continue
            shutil.rmtree(folder)
            lock.unlink(missing_ok=True)
            removed += 1
    print(f"{removed} unfinished or damaged runs removed.")
