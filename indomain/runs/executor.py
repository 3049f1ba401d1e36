"""The executor: does a recipe's tasks, each once, in one process or in several that share a runs folder.

There is no scheduler. Every process goes through the tasks and takes one whose inputs are done and whose lock is free;
processes share nothing but the runs folder. `--jobs N` starts N such workers; the same command in a second terminal
adds one more. When a process dies its locks are released, and another process resumes its run from the last saved
state.
"""

from indomain.backend import configure, import_keras
from indomain.errors import RequestError
from indomain.files import make_folder
from indomain.runs import allocator, dask_cluster, processes, stages
from indomain.runs.durations import expected, seconds_by_kind
from indomain.runs.folder import RunsFolder
from indomain.runs.status import View
from indomain.runs.task import Damaged, Task, unique
from indomain.runs.worker import quarantine, work_through


def pending(tasks: list[Task], runs: RunsFolder) -> list[Task]:
    """The tasks that are not done, each run once, in an order in which they can run.

    Args:
        tasks: a recipe's tasks, in an order in which they can run.
        runs: the runs folder.
    """
    return [task for task in unique(tasks) if state(runs, task) != "done"]


def state(runs: RunsFolder, task: Task) -> str:
    """The state of a task: "done", "to do", or "damaged: " and what is damaged.

    Args:
        runs: the runs folder.
        task: the task.
    """
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
    """Does the tasks that are not done.

    Args:
        tasks: a recipe's tasks, in an order in which they can run.
        runs: the runs folder.
        only: do the tasks of this stage only; their inputs must be done.
        jobs: number of processes.
        cluster: address of a dask.distributed scheduler that does the runs instead.
        quiet: show no progress.

    Returns:
        The number of runs that this command completed.

    Raises:
        RequestError: something that a run needs is not available; nothing has been run.
    """
    _quarantine_damaged(tasks, runs)
    waiting = [task for task in pending(tasks, runs) if only in (None, task.stage)]
    if not waiting:
        return 0
    make_folder(runs.work)
    if only:
        _require_inputs(waiting, runs, only)
    if any(task.stage != stages.STAGES[-1] for task in waiting):
        allocator.tune_glibc()
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


def _require_inputs(tasks: list[Task], runs: RunsFolder, only: str) -> None:
    """Refuses to run a single stage before the stages that it needs are done."""
    for task in tasks:
        for needed in task.needed():
            if needed.stage != only and not runs.is_done(needed):
                raise RequestError(f"{task.title()}: needs a run that is not done; run first: python -m {needed.stage}")


def _quarantine_damaged(tasks: list[Task], runs: RunsFolder) -> None:
    """Quarantines damaged runs, and reports them."""
    inputs = {needed.digest for task in tasks for needed in task.needed()}
    for task in unique(tasks):
        try:
            if runs.is_done(task) and task.digest not in inputs:
                # A run that no other run reads is read by people, so its digests are verified every time: its files
                # are few and small.
                runs.verify(task)
        except Damaged as error:
            quarantine(runs, error)
