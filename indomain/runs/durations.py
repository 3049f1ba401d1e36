"""How long runs will take, from finished runs like them."""

from collections.abc import Iterable
from statistics import median

from indomain.runs.folder import RunsFolder
from indomain.runs.task import Task

Kind = tuple[str, str, str | None]


def seconds_by_kind(runs: RunsFolder) -> dict[Kind, float]:
    """The median length of the finished runs of each kind, in seconds."""
    known: dict[Kind, list[float]] = {}
    for asked, record in runs.all_done():
        kind = asked["stage"], asked.get("like", ""), asked.get("tags", {}).get("backbone")
        known.setdefault(kind, []).append(record.seconds)
    return {kind: median(seconds) for kind, seconds in known.items()}


def expected(known: dict[Kind, float], task: Task) -> float | None:
    """Seconds for one task, or None where no run of its kind is finished."""
    return known.get((task.stage, task.like, task.tags.backbone))


def seconds_left(runs: RunsFolder, tasks: Iterable[Task]) -> tuple[float, int]:
    """An estimate of the time for `tasks`.

    Returns:
        Seconds, and the number of runs of which nothing is known.
    """
    known = seconds_by_kind(runs)
    lengths = [expected(known, task) for task in tasks]
    return sum(seconds for seconds in lengths if seconds is not None), lengths.count(None)
