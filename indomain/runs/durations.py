"""How long runs will take, from those of the same kind that are finished."""

from statistics import median
from typing import Any

from indomain.recipe.study import Plan
from indomain.runs.task import Task


def seconds_left(plan: Plan, tasks: list[Task]) -> tuple[float, int]:
    """An estimate of the time for `tasks`: the median of finished runs of the same stage and backbone.

    Returns:
        Seconds, and the number of runs for which nothing is known.
    """
    known = seconds_by_kind(plan)
    lengths = [expected(known, task) for task in tasks]
    return sum(seconds for seconds in lengths if seconds is not None), lengths.count(None)


def seconds_by_kind(plan: Plan) -> dict[tuple, float]:
    """The median length of the finished runs of each kind, in seconds."""
    known: dict[tuple, list[float]] = {}
    for asked, record in plan.runs.all_done():
        kind = _kind(asked["stage"], asked["labels"], asked["params"])
        known.setdefault(kind, []).append(record["seconds"])
    return {kind: median(seconds) for kind, seconds in known.items()}


def expected(known: dict[tuple, float], task: Task) -> float | None:
    """Seconds for one task, or None where no run of its kind is finished."""
    return known.get(_kind(task.stage, task.labels, task.params))


def _kind(stage: str, labels: dict[str, Any], params: dict[str, Any]) -> tuple[Any, ...]:
    did = next((params[key] for key in ("objective", "strategy", "classifier", "do") if key in params), None)
    # Runs on pictures of another size, or of another length, say nothing.
    size = str(params.get("backbone", {}).get("shape"))
    return stage, labels.get("backbone"), did, size, params.get("options", {}).get("epochs")
