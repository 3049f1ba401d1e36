"""The executor: a recipe's tasks, each once, each kept, by one process or by several that share a runs folder.

There is no scheduler. Every process goes through the tasks, takes one whose inputs are done and whose lock is free, and
goes on; the runs folder is all that processes share. `--jobs N` starts N such workers; a second terminal with the same
command is one more. A process that dies loses its locks, and another continues its run from where it was saved.
"""

from indomain.backend import configure, import_keras
from indomain.errors import RequestError
from indomain.files import make_folder
from indomain.runs import dask_cluster, processes, stages
from indomain.runs.durations import expected, seconds_by_kind
from indomain.runs.folder import RunsFolder
from indomain.runs.status import View
from indomain.runs.task import Damaged, Task, unique
from indomain.runs.worker import quarantine, work_through


def pending(tasks: list[Task], runs: RunsFolder) -> list[Task]:
    """The tasks that are not done, each run once, in an order in which they can run."""
    return [task for task in unique(tasks) if state(runs, task) != "done"]


def state(runs: RunsFolder, task: Task) -> str:
    """ "done", "to do", or what is damaged."""
    try:
        return "done" if runs.is_done(task) else "to do"
    except Damaged as error:
        return f"damaged: {error.what}"


def execute(
    tasks: list[Task],
    runs: RunsFolder,
    only: str | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    quiet: bool = False,
) -> int:
    """Runs what is not done.

    Args:
        tasks: of a recipe, in an order in which they can run.
        runs: where they are kept.
        only: one stage; its inputs must be done.
        jobs: number of processes.
        cluster: the address of a dask.distributed scheduler that does the runs instead.
        quiet: show no progress.

    Returns:
        The number of runs done now, by this command.

    Raises:
        RequestError: something that a run needs is not available; nothing has been run.
    """
    _quarantine_damaged(tasks, runs)
    waiting = [task for task in pending(tasks, runs) if only in (None, task.stage)]
    if not waiting:
        return 0
    make_folder(runs.work)
    for task in waiting if only else []:
        for needed in task.needed():
            if needed.stage != only and not runs.is_done(needed):
                raise RequestError(f"{task.title()}: needs a run that is not done; first: python -m {needed.stage}")
    if any(task.stage != stages.STAGES[-1] for task in waiting):
        import_keras()
    compute = next((task.params["compute"] for task in waiting if "compute" in task.params), None)
    if compute:
        configure(compute)
    for stage in dict.fromkeys(task.stage for task in waiting):
        check = stages.check_of(stage)
        if check:
            check([task for task in waiting if task.stage == stage])
    known = seconds_by_kind(runs)
    with View(waiting, {task.digest: expected(known, task) for task in waiting}, quiet, jobs) as view:
        if cluster:
            dask_cluster.execute(waiting, runs, cluster, view)
        elif jobs > 1:
            processes.execute(waiting, runs, min(jobs, len(waiting)), view)
        else:
            work_through(waiting, runs, view)
    return view.ours


def _quarantine_damaged(tasks: list[Task], runs: RunsFolder) -> None:
    """Puts damaged runs out of the way, and reports them."""
    inputs = {needed.digest for task in tasks for needed in task.needed()}
    for task in unique(tasks):
        try:
            if runs.is_done(task) and task.digest not in inputs:
                # What no other run reads is what people read: verified whole, every time. Its files are few and small.
                runs.verify(task)
        except Damaged as error:
            quarantine(runs, error)
