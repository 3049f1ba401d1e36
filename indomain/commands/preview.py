"""What `indomain plan` prints: the runs as a tree, which of them are done, and why the others are not."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from indomain import files
from indomain.data import preparing
from indomain.data.manifest import Manifest
from indomain.recipe.study import Study
from indomain.runs import durations, executor
from indomain.runs.folder import RunsFolder
from indomain.runs.stages import STAGES, remarks_of
from indomain.runs.status import clock
from indomain.runs.task import Task, unique

# Parameters whose value is a digest or a long list, and what to print instead.
_MEANING = {
    "split": "the images or their split",
    "probe": "the images probed during training",
    "rows": "the images",
    "start": "the initial weights of the chain",
    "shown": "the runs in the table",
}
IMAGES_PER_SECOND = 300  # a rule of thumb for two cores, used until a set has been prepared in this cache


def unprepared_lines(missing: list[Manifest], study: Study) -> Iterator[str]:
    """The sets that have to be decoded first: one line per set with its number of images and the time, then what to do.

    Args:
        missing: as `Study.unprepared` returned it.
        study: the recipe with its data.
    """
    rate, source = _rate(study.cache_dir)
    rows, columns = study.recipe.shape
    size = f"{rows}×{columns} pixels"
    total = 0
    for manifest in missing:
        count = len(preparing.list_records(manifest, study.data_dir, study.recipe.shape))
        total += count
        what = "to be cut into patches" if manifest.patches else f"at {size}"
        yield f"to prepare  {manifest.name}: {count:,} images {what}, about {clock(count / rate)}"
    yield ""
    yield (
        f"{total:,} images to prepare first, about {clock(total / rate)} ({source}). `indomain run` prepares them; to see "
        "the runs, add --prepare."
    )


def _rate(cache_dir: Path) -> tuple[float, str]:
    """Images decoded per second, and where that number comes from."""
    images = seconds = 0.0
    for path in cache_dir.glob("*/set.json"):
        info = files.read_json(path)
        images, seconds = images + info["images"], seconds + info.get("seconds", 0.0)
    if seconds > 1:
        return images / seconds, "by the sets prepared so far"
    return float(IMAGES_PER_SECOND), f"at {IMAGES_PER_SECOND} images per second, a rule of thumb"


def lines(tasks: list[Task], runs: RunsFolder, remarks: Iterable[str] = ()) -> Iterator[str]:
    """One line per run, each below the last of the runs that it needs, with the reason if it is not done.

    Args:
        tasks: a recipe's tasks.
        runs: the runs folder.
        remarks: sentences that stand between the runs and the time left.
    """
    tasks = unique(tasks)
    known = {task.digest for task in tasks}
    below: dict[str, list[Task]] = {}
    for task in tasks:
        parents = [needed.digest for needed in task.needed() if needed.digest in known]
        # A run with one or two inputs is listed below the last of them; one with none, or with many (such as a
        # report, which belongs to no single branch), at the root.
        below.setdefault(parents[-1] if len(set(parents)) in (1, 2) else "", []).append(task)
    states = {task.digest: executor.state(runs, task) for task in tasks}
    earlier = _earlier(runs) if any(state != "done" for state in states.values()) else {}

    def branch(parent: str, depth: int) -> Iterator[str]:
        for task in below.get(parent, []):
            done = states[task.digest] == "done"
            why = "" if done else f"  ({_reason(runs, task, states, earlier)})"
            yield f"{'done ' if done else 'to do'}  {task.digest}  {'  ' * depth}{task.title()}{why}"
            yield from branch(task.digest, depth + 1)

    yield from branch("", 0)
    yield ""
    yield from remarks
    yield _time_left(executor.pending(tasks, runs), runs)


def remarks(study: Study) -> Iterator[str]:
    """What the stages remark about a recipe.

    Args:
        study: the recipe with its data.
    """
    for stage in STAGES:
        of_stage = remarks_of(stage)
        yield from of_stage(study) if of_stage else []


def _time_left(waiting: list[Task], runs: RunsFolder) -> str:
    if not waiting:
        return "0 runs to do: all done"
    seconds, unknown = durations.seconds_left(runs, waiting)
    more = f", and {unknown} runs of unknown length" if unknown else ""
    return f"{len(waiting)} runs to do, about {clock(seconds)}{more}"


def _reason(runs: RunsFolder, task: Task, states: dict[str, str], earlier: dict[str, list[dict]]) -> str:
    """Why a run is not done."""
    if states[task.digest] != "to do":
        return states[task.digest]
    epochs = runs.saved(task).get("epochs")
    if epochs:
        return f"started: {epochs} of {task.params.get('options', {}).get('epochs', '?')} epochs are saved"
    before = earlier.get(_key(task.stage, task.kind, task.tags.words()), [])
    changes = min((_changes(request, task) for request in before), key=len, default=None)
    waiting = [needed for needed in task.needed() if states.get(needed.digest, "done") != "done"]
    if changes:
        return "; ".join(changes[:3]) + (f" and {len(changes) - 3} more" if len(changes) > 3 else "")
    return f"needs {waiting[0].name}" if waiting else "new"


def _key(stage: str, kind: str, tags: dict[str, Any]) -> str:
    return json.dumps([stage, kind, tags], sort_keys=True)


def _earlier(runs: RunsFolder) -> dict[str, list[dict]]:
    """The requests of the finished runs, by stage, kind and tags."""
    requests: dict[str, list[dict]] = {}
    for request, _ in runs.all_done():
        key = _key(request["stage"], request["kind"], request.get("tags", {}))
        requests.setdefault(key, []).append(request)
    return requests


def _changes(before: dict[str, Any], task: Task) -> list[str]:
    """How a task differs from a finished run with the same tags, as texts."""
    now = task.identity()
    changes = []
    if before["version"] != now["version"]:
        changes.append(f"{task.stage} has a new version")
    old, new = _flat(before["params"]), _flat(now["params"])
    for key in dict.fromkeys([*new, *old]):
        if old.get(key) != new.get(key):
            was, now_is = (table.get(key, "not set") for table in (old, new))
            changes.append(f"{_MEANING[key]} changed" if key in _MEANING else f"{key} {_difference(was, now_is)}")
    if not changes and before["inputs"] != now["inputs"]:
        old_digests = json.dumps(before["inputs"])
        names = [needed.name for needed in task.needed() if needed.digest not in old_digests]
        changes.append(f"needs {names[0]}" if names else "needs fewer runs")
    return changes


def _difference(was: Any, now_is: Any) -> str:
    """How a value changed, in a few words; for a list only what was added and removed."""
    if isinstance(was, list) and isinstance(now_is, list):
        parts = {
            "no longer has": [item for item in was if item not in now_is],
            "has now": [item for item in now_is if item not in was],
        }
        texts = [f"{verb} {_short(', '.join(map(str, items)))}" for verb, items in parts.items() if items]
        if texts:
            return ", ".join(texts)
    old, new = _short(was), _short(now_is)
    return f"was {old}, is {new}" if old != new else "changed"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _flat(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in table.items():
        values |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return values
