"""The progress display of a running recipe: a live view on a terminal, plain lines elsewhere."""

import sys
import time
from typing import Any

from indomain.progress import PLAIN_EVERY
from indomain.runs.task import Task


class View:
    """Shows the stages, the running tasks with epoch, loss and images per second, and the time left.

    The duration of a run is estimated from finished runs of its kind, or else from the runs of its stage so far.

    Args:
        tasks: the tasks that are not done.
        expected: task digest -> expected seconds, None if unknown.
        quiet: show nothing.
        workers: number of tasks that run at the same time.
    """

    def __init__(self, tasks: list[Task], expected: dict[str, float | None], quiet: bool, workers: int = 1) -> None:
        self.tasks, self.expected, self.workers = tasks, expected, workers
        self.done: set[str] = set()
        self.ours = 0  # number of runs completed by this command and not by another one meanwhile
        self.now: dict[int, dict[str, Any]] = {}  # worker -> the run it works on
        self.spent: dict[str, list[float]] = {}  # stage -> durations in seconds of its runs so far
        self.live: Any = None
        self.plain = not quiet and not sys.stderr.isatty()
        self.terminal = not quiet and not self.plain
        self.started = time.monotonic()

    def __enter__(self) -> "View":
        if self.terminal:
            from rich.console import Console
            from rich.live import Live

            self.live = Live(
                get_renderable=self.drawn, console=Console(stderr=True), refresh_per_second=4, transient=True
            )
            self.live.start()
        return self

    def __exit__(self, *unused: Any) -> None:
        if self.live:
            self.live.stop()

    def begin(self, task: Task, here: bool = True, worker: int = 0) -> None:
        """Records that a run begins.

        Args:
            task: the run's task.
            here: False if another process has finished the run meanwhile.
            worker: number of the worker, from 0.
        """
        began = time.monotonic()
        self.now[worker] = {"task": task, "text": "", "share": None, "began": began, "reported": began, "here": here}
        if self.plain and here:
            left = self.left()
            print(
                f"[{len(self.done) + 1}/{len(self.tasks)}{', ' * bool(left)}{left}] {task.title()}",
                file=sys.stderr,
                flush=True,
            )

    def progress(self, text: str, share: float | None = None, worker: int = 0) -> None:
        """Records how far a run is.

        Args:
            text: what the run reports, such as epoch and loss.
            share: share of its work that is done, 0 … 1; None if unknown.
            worker: number of the worker, from 0.
        """
        run = self.now.get(worker)
        if run is None:
            return
        run.update(text=text, share=share)
        now = time.monotonic()
        if self.plain and now - run["reported"] > PLAIN_EVERY:
            run["reported"] = now
            seconds = self._run_left(run)
            left = "" if seconds is None else f", {clock(seconds)} left"
            print(f"    {run['task'].title()}: {text}{left}", file=sys.stderr, flush=True)

    def end(self, task: Task, worker: int = 0, seconds: float | None = None) -> None:
        """Records that a run is done.

        Args:
            task: the run's task.
            worker: number of the worker, from 0.
            seconds: duration of the run, if it is not the time since `begin`.
        """
        self.done.add(task.digest)
        run = self.now.pop(worker, None)
        if run and run["here"]:
            self.ours += 1
            spent = time.monotonic() - run["began"] if seconds is None else seconds
            self.spent.setdefault(task.stage, []).append(spent)

    def gone(self, worker: int) -> None:
        """Records that a worker process has ended."""
        self.now.pop(worker, None)

    def left(self) -> str:
        """The time left until all tasks are done, as text; "" while it cannot be estimated.

        Runs whose duration cannot be estimated count as zero; the text then begins with "more than".
        """
        means = {stage: sum(spent) / len(spent) for stage, spent in self.spent.items()}
        running = {run["task"].digest: run for run in self.now.values()}
        total, known, unknown = 0.0, False, False
        for task in self.tasks:
            if task.digest in self.done:
                continue
            seconds = self.expected.get(task.digest)
            seconds = means.get(task.stage) if seconds is None else seconds
            if task.digest in running:
                seconds = self._run_left(running[task.digest], seconds)
            known, unknown = known or seconds is not None, unknown or seconds is None
            total += seconds or 0.0
        return f"{'more than' if unknown else 'about'} {clock(total / self.workers)} left" if known else ""

    def _run_left(self, run: dict[str, Any], expected: float | None = None) -> float | None:
        elapsed = time.monotonic() - run["began"]
        if run["share"]:
            return elapsed * (1 - run["share"]) / run["share"]
        return None if expected is None else max(expected - elapsed, 0.0)

    def drawn(self) -> Any:
        """The view as a rich renderable."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        stages = Table.grid(padding=(0, 2))
        for stage in dict.fromkeys(task.stage for task in self.tasks):
            tasks = [task for task in self.tasks if task.stage == stage]
            done = sum(task.digest in self.done for task in tasks)
            stages.add_row(stage, ProgressBar(len(tasks), done, width=30), f"{done}/{len(tasks)}")
        runs = []
        for _, run in sorted(self.now.items()):
            # As Text, because names come from recipes and folders and must not be read as markup.
            runs.append(Text(run["task"].title(), overflow="ellipsis", no_wrap=True))
            seconds = self._run_left(run)
            left = "" if seconds is None else f" · {clock(seconds)} left"
            runs.append(Text(f"  {run['text']}{left}", overflow="ellipsis", no_wrap=True, style="dim"))
        left = self.left()
        footer = f"{clock(time.monotonic() - self.started)} elapsed" + (f", {left}" if left else "")
        return Group(stages, *runs, Text(footer))


def clock(seconds: float) -> str:
    """Seconds as 0:42, 12:05 or 3:07:10."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
