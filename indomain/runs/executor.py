"""The executor: a plan's tasks, each once, each kept, by one process or by several that share a runs folder.

There is no scheduler. Whoever executes a plan walks through its tasks, takes one whose inputs are done and whose lock is
free, and walks on; the runs folder is all that processes share. `--jobs N` starts N such walkers; a second terminal with
the same command is one more. A process that dies loses its locks, and another takes its run up where it was saved.
"""

from indomain.backend import import_keras
from indomain.errors import RequestError
from indomain.files import make_folder
from indomain.recipe.study import Plan
from indomain.runs import processes, stages
from indomain.runs.durations import expected, seconds_by_kind
from indomain.runs.folder import RunsFolder
from indomain.runs.status import View
from indomain.runs.task import Damaged, Task
from indomain.runs.worker import set_aside, walk


def pending(plan: Plan) -> list[Task]:
    """The tasks that are not done, each run once, in an order in which they can run."""
    return [task for task in unique(plan.tasks) if state(plan.runs, task) != "done"]


def unique(tasks: list[Task]) -> list[Task]:
    """Each run once, under its first labels."""
    return list({task.digest: task for task in reversed(tasks)}.values())[::-1]


def state(runs: RunsFolder, task: Task) -> str:
    """ "done", "to do", or what is damaged."""
    try:
        return "done" if runs.is_done(task) else "to do"
    except Damaged as error:
        return f"damaged: {error.what}"


def execute(plan: Plan, only: str | None = None, jobs: int = 1, cluster: str | None = None) -> int:
    """Runs what is not done.

    Args:
        only: one stage; its inputs must be done.
        jobs: number of processes.
        cluster: the address of a dask.distributed scheduler that does the runs instead.

    Returns:
        The number of runs done now, by this command.

    Raises:
        RequestError: something that a run needs cannot be had; nothing has been run.
    """
    for task in unique(plan.tasks):
        _mend(plan.runs, task)
    tasks = [task for task in pending(plan) if only in (None, task.stage)]
    if not tasks:
        return 0
    make_folder(plan.runs.work)
    if only:
        for task in tasks:
            for needed in task.inputs.values():
                if needed.stage != only and not plan.runs.is_done(needed):
                    raise RequestError(f"{task.title()}: needs a run that is not done; first: python -m {needed.stage}")
    if any(task.stage != "report" for task in tasks):
        import_keras()
        from indomain import backend

        backend.configure(plan.compute())
    for stage in dict.fromkeys(task.stage for task in tasks):
        module = stages.stage_module(stage)
        if hasattr(module, "check"):
            module.check([task for task in tasks if task.stage == stage])
    known = seconds_by_kind(plan)
    with View(tasks, {task.digest: expected(known, task) for task in tasks}, plan.quiet, jobs) as view:
        if cluster:
            from indomain.runs import dask_cluster as on_cluster

            on_cluster.execute(tasks, plan.runs, cluster, view)
        elif jobs > 1:
            processes.execute(tasks, plan.runs, min(jobs, len(tasks)), view)
        else:
            walk(tasks, plan.runs, view)
    return view.ours


def _mend(runs: RunsFolder, task: Task) -> None:
    """Puts a damaged run aside, and says so."""
    try:
        if runs.is_done(task) and task.stage == "report":
            # The numbers that people read: looked at whole, every time. They are few and small.
            runs.verify(task)
    except Damaged as error:
        set_aside(runs, error)
