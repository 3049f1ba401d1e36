"""A finished run of a recipe that left a network or a classifier, by its coordinates in the table."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.recipe.study import Study
from indomain.runs import executor
from indomain.runs.task import Task, find

# Of these coordinates a recipe may have several values; all but the last two have to be given then.
COORDINATES = ("profile", "target", "budget", "chain", "backbone", "method", "fold", "seed")


@dataclass(frozen=True)
class Chosen:
    """A run to export, and what it was made of.

    Attributes:
        task: the run's.
        networks: the tasks that fitted its networks: itself, or those whose features a classifier reads.
        extracted: the tasks that extracted these features; none for a network with a head of its own.
        steps: the tasks of pretraining that its networks have gone through.
        of: number of trainings of the same row, one for each fold and seed.
    """

    task: Task
    networks: list[Task]
    extracted: list[Task] = field(default_factory=list)
    steps: list[Task] = field(default_factory=list)
    of: int = 1


def choose(study: Study, wanted: dict[str, str]) -> Chosen:
    """The run of a recipe with some coordinates.

    Where none is given, the strict profile, the largest label budget, the first fold and the first seed are taken.

    Args:
        study: the recipe and its data.
        wanted: name of a coordinate -> its value, as the table has it.

    Raises:
        RequestError: no run has these coordinates, several rows have, it is not finished or diverged, or its classifier was not
            kept.
    """
    tasks = make_plan(study)
    known = [task for task in tasks if _leaves_a_model(task)]
    rows = [(task, _words(task)) for task in known]
    rows = _narrowed(rows, wanted, study)
    task = rows[0][0]
    if task.stage == "fusion" and task.kind == "classify" and not ({"save", "elsewhere"} & set(task.params)):
        name = task.params["classifier"]
        raise RequestError(
            f'{study.name}: this classifier was not kept. Put fusion.save = ["{name}"] into the recipe and run it again; only '
            "the classifier is fitted anew."
        )
    if executor.state(study.runs, task) != "done":
        raise RequestError(f"{study.name}: {task.title()} has not been run yet: indomain run {study.name}.")
    diverged = study.runs.record(task).diverged
    if diverged:
        raise RequestError(f"{study.name}: {task.title()} diverged ({diverged}); choose another run.")
    members = task.several("features") if task.kind == "classify" else []
    networks = [_network_of(tasks, member) for member in members] or [task]
    if any("backbone" not in network.params for network in networks):
        raise RequestError(
            f"{study.name}: {task.title()} reads features that another program has computed, and has no network to export."
        )
    steps: dict[str, Task] = {}
    for network in networks:
        for step in _steps(network):
            steps[step.digest] = step
    return Chosen(task, networks, members, list(steps.values()), _trainings(known, task))


def _leaves_a_model(task: Task) -> bool:
    if task.stage == "finetune":
        return task.kind in ("", "adapt")
    return task.stage == "fusion" and task.kind in ("classify", "distil")


def _words(task: Task) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in task.tags.words().items()}


def _narrowed(
    rows: list[tuple[Task, dict[str, str]]], wanted: dict[str, str], study: Study
) -> list[tuple[Task, dict[str, str]]]:
    """The rows with the wanted coordinates, in the end those of one run."""
    # What is given narrows first, but for the profile: what is left of the other coordinates may need no choice then.
    for name in sorted(COORDINATES, key=lambda name: (name != "profile", wanted.get(name) is None)):
        values = list(dict.fromkeys(words.get(name, "") for _, words in rows))
        value = wanted.get(name)
        if value is None and len(values) > 1:
            value = _usual(name, values, rows, study)
        if value is None and len(values) > 1:
            raise RequestError(
                f"{study.name}: several rows have a model; choose one by --{name}: {', '.join(map(repr, sorted(values)))}."
            )
        if value is not None:
            if value not in values:
                raise RequestError(
                    f"{study.name}: no row has the {name} {value!r}; there are {', '.join(map(repr, sorted(values)))}."
                )
            rows = [(task, words) for task, words in rows if words.get(name, "") == value]
    return rows


def _usual(name: str, values: list[str], rows: list[tuple[Task, dict[str, str]]], study: Study) -> str | None:
    if name in ("fold", "seed"):
        return values[0]
    if name == "profile":
        return "strict" if "strict" in values else None
    if name == "budget":
        return study.recipe.targets[str(rows[0][0].tags.target)].largest_budget().label
    return None


def _network_of(tasks: Iterable[Task], features: Task) -> Task:
    """The task of the network whose features a task extracts."""
    if "network" in features.inputs:
        return features.input("network")
    return next(task for task in find(tasks, "finetune") if task.inputs.get("features") is features)


def _steps(network: Task) -> list[Task]:
    """The tasks of pretraining before a network, however far back."""
    found = []
    for task in network.needed():
        if task.stage == "pretrain":
            found.append(task)
        found += _steps(task)
    return found


def _trainings(known: list[Task], task: Task) -> int:
    """The number of folds and seeds of a task's row."""
    row = {name: value for name, value in _words(task).items() if name not in ("fold", "seed")}
    return sum(
        {name: value for name, value in _words(one).items() if name not in ("fold", "seed")} == row for one in known
    )
