"""`indomain runs list | show | check | prune`."""

import argparse
import fcntl

from indomain.errors import RequestError


def listed(options: argparse.Namespace) -> None:
    """Prints all finished runs, the latest last."""
    from indomain.files import read_json
    from indomain.runs.folder import finished

    for done in sorted(finished(options.runs_dir / "work"), key=lambda path: path.stat().st_mtime):
        try:
            record = read_json(done)
        except ValueError:
            print(f"{done.parent.name}  damaged: DONE cannot be read")
            continue
        print(f"{done.parent.name}  {record['started']}  {record['seconds']:8.1f} s  {record['title']}")


def check(options: argparse.Namespace) -> int:
    """Reads every file of every finished run; exit status 1 where one is not what was written."""
    from indomain.progress import track
    from indomain.runs.folder import faults, finished

    folders = [path.parent for path in sorted(finished(options.runs_dir / "work"))]
    found = [(folder, fault) for folder in track(folders, "checking", len(folders)) for fault in faults(folder)]
    for folder, fault in found:
        print(f"{folder.name}: {fault}")
    print(
        f"{len(folders)} finished runs, {len(found)} damaged files."
        + (" Their recipes do them again." if found else "")
    )
    return 1 if found else 0


def show(options: argparse.Namespace) -> None:
    """Prints what was asked of a run, and what it took."""
    from indomain.runs.folder import finished

    work = options.runs_dir / "work"
    found = [path for path in sorted(finished(work)) if options.id in path.parent.name]
    if not found:
        raise RequestError(f"no finished run in {work} has {options.id!r} in its name.")
    for done in found:
        print(done.parent)
        print((done.parent / "task.json").read_text(encoding="utf-8"), end="")
        print(done.read_text(encoding="utf-8"), end="")


def prune(options: argparse.Namespace) -> None:
    """Removes what is left of runs that were not finished, or damaged."""
    import shutil

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
