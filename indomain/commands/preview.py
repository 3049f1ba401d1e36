"""The outlook of a plan: its runs as a tree, which are done, and why the others are to do."""

import json
from collections.abc import Iterator
from typing import Any

from indomain.recipe.study import Plan
from indomain.runs import executor
from indomain.runs.task import Task

# Parameters that hold a digest or a long list: a person wants to know what it stands for.
_MEANING = {
    "listing": "the images or their split",
    "probe": "the images looked at while it learns",
    "rows": "the images",
    "start": "the beginning of the chain",
    "shown": "the runs in the table",
}


def lines(plan: Plan) -> Iterator[str]:
    """One line a run, each below the last of the runs that it needs; with the reason where it is to do."""
    tasks = executor.unique(plan.tasks)
    known = {task.digest for task in tasks}
    below: dict[str, list[Task]] = {}
    for task in tasks:
        parents = [needed.digest for needed in task.inputs.values() if needed.digest in known]
        # What needs runs of several branches stands at the root.
        below.setdefault(parents[-1] if len(set(parents)) in (1, 2) else "", []).append(task)
    states = {task.digest: executor.state(plan.runs, task) for task in tasks}
    earlier = _earlier(plan) if any(state != "done" for state in states.values()) else {}

    def branch(parent: str, depth: int) -> Iterator[str]:
        for task in below.get(parent, []):
            done = states[task.digest] == "done"
            why = "" if done else f"  ({_why(plan, task, states, earlier)})"
            yield f"{'done ' if done else 'to do'}  {task.digest}  {'  ' * depth}{task.title()}{why}"
            yield from branch(task.digest, depth + 1)

    yield from branch("", 0)


def _why(plan: Plan, task: Task, states: dict[str, str], earlier: dict[str, list[dict]]) -> str:
    if states[task.digest] != "to do":
        return states[task.digest]
    epochs = plan.runs.epochs_saved(task)
    if epochs:
        return f"begun: {epochs} of {task.params.get('options', {}).get('epochs', '?')} epochs are kept"
    before = earlier.get(_labels(task.stage, task.labels), [])
    changes = min((_changes(asked, task) for asked in before), key=len, default=None)
    waiting = [needed for needed in task.inputs.values() if states.get(needed.digest, "done") != "done"]
    if changes:
        return "; ".join(changes[:3]) + (f" and {len(changes) - 3} more" if len(changes) > 3 else "")
    return f"needs {waiting[0].name}" if waiting else "new"


def _labels(stage: str, labels: dict[str, Any]) -> str:
    return json.dumps([stage, labels], sort_keys=True)


def _earlier(plan: Plan) -> dict[str, list[dict]]:
    """What was asked of the finished runs, by stage and labels."""
    found: dict[str, list[dict]] = {}
    for asked, _ in plan.runs.all_done():
        found.setdefault(_labels(asked["stage"], asked["labels"]), []).append(asked)
    return found


def _changes(before: dict[str, Any], task: Task) -> list[str]:
    """What a task asks otherwise than a finished run under the same labels did."""
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
        names = [task.inputs[role].name for role in task.inputs if before["inputs"].get(role) != now["inputs"][role]]
        changes.append(f"needs {names[0]}" if names else "needs less")
    return changes


def _difference(was: Any, now_is: Any) -> str:
    """What became of a value, in a few words: of a list only what was added and removed."""
    if isinstance(was, list) and isinstance(now_is, list):
        parts = {
            "has no more": [one for one in was if one not in now_is],
            "has now": [one for one in now_is if one not in was],
        }
        said = [f"{word} {_short(', '.join(map(str, values)))}" for word, values in parts.items() if values]
        if said:
            return ", ".join(said)
    said = [_short(was), _short(now_is)]
    return f"was {said[0]}, is {said[1]}" if said[0] != said[1] else "changed"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _flat(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return found
