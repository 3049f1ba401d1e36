"""Estimates of how long runs will take, from finished runs of the same kind."""

from collections.abc import Iterable
from statistics import median

from indomain.runs.folder import RunsFolder
from indomain.runs.task import Task

Kind = tuple[str, str, str | None]  # stage, `Task.like`, backbone


def seconds_by_kind(runs: RunsFolder) -> dict[Kind, float]:
    """The median duration in seconds of the finished runs of each kind.

    Args:
        runs: the runs folder, with runs of any recipe.
    """
    durations: dict[Kind, list[float]] = {}
    for request, record in runs.all_done():
        kind = request["stage"], request.get("like", ""), request.get("tags", {}).get("backbone")
        durations.setdefault(kind, []).append(record.seconds)
    return {kind: median(seconds) for kind, seconds in durations.items()}


def expected(known: dict[Kind, float], task: Task) -> float | None:
    """The expected duration of a task in seconds, or None if no run of its kind is finished.

    Args:
        known: as `seconds_by_kind` returned it.
        task: the task.
    """
    return known.get((task.stage, task.like, task.tags.backbone))


def seconds_left(runs: RunsFolder, tasks: Iterable[Task]) -> tuple[float, int]:
    """An estimate of the time that tasks will take, one after another.

    Args:
        runs: the runs folder.
        tasks: the tasks.

    Returns:
        Seconds for the tasks whose duration can be estimated, and the number of the other tasks.
    """
    known = seconds_by_kind(runs)
    lengths = [expected(known, task) for task in tasks]
    return sum(seconds for seconds in lengths if seconds is not None), lengths.count(None)
