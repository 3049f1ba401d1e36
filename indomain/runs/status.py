"""What a person sees of a recipe at work: on a terminal a live view, elsewhere plain lines."""

import sys
import time
from typing import Any

from indomain.progress import PLAIN_EVERY
from indomain.runs.task import Task


class View:
    """Stages, the runs at work with epoch, loss and images a second, and the time left.

    A run's length is expected from finished runs of its kind, here or earlier; else from those of its stage meanwhile.
    """

    def __init__(self, tasks: list[Task], expected: dict[str, float | None], quiet: bool, workers: int = 1) -> None:
        """
        Args:
            expected: digest -> seconds, None where nothing is known.
        """
        self.tasks, self.expected, self.workers = tasks, expected, workers
        self.done: set[str] = set()
        self.ours = 0  # done by this command, not by another one meanwhile
        self.now: dict[int, dict[str, Any]] = {}  # worker -> its run
        self.spent: dict[str, list[float]] = {}  # stage -> seconds of its runs meanwhile
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
        """A run begins; `here`: not one that another process has finished meanwhile."""
        began = time.monotonic()
        self.now[worker] = {"task": task, "text": "", "share": None, "began": began, "said": began, "here": here}
        if self.plain and here:
            left = self.left()
            print(
                f"[{len(self.done) + 1}/{len(self.tasks)}{', ' * bool(left)}{left}] {task.title()}",
                file=sys.stderr,
                flush=True,
            )

    def progress(self, text: str, share: float | None = None, worker: int = 0) -> None:
        """Where a run is: words, and the share of its work that is done."""
        run = self.now.get(worker)
        if run is None:
            return
        run.update(text=text, share=share)
        now = time.monotonic()
        if self.plain and now - run["said"] > PLAIN_EVERY:
            run["said"] = now
            seconds = self._run_left(run)
            left = "" if seconds is None else f", {clock(seconds)} left"
            print(f"    {run['task'].title()}: {text}{left}", file=sys.stderr, flush=True)

    def end(self, task: Task, worker: int = 0, seconds: float | None = None) -> None:
        """A run is done; `seconds`: what it took, if not the time since it began here."""
        self.done.add(task.digest)
        run = self.now.pop(worker, None)
        if run and run["here"]:
            self.ours += 1
            spent = time.monotonic() - run["began"] if seconds is None else seconds
            self.spent.setdefault(task.stage, []).append(spent)

    def gone(self, worker: int) -> None:
        """A process has ended."""
        self.now.pop(worker, None)

    def left(self) -> str:
        """The time until all is done, in words; "" while nothing can be said.

        Of a stage that has not begun, and of whose runs nothing is known, nothing is guessed: then it is "more than".
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
        gone = time.monotonic() - run["began"]
        if run["share"]:
            return gone * (1 - run["share"]) / run["share"]
        return None if expected is None else max(expected - gone, 0.0)

    def drawn(self) -> Any:
        """The view as a rich table."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        stages = Table.grid(padding=(0, 2))
        for stage in dict.fromkeys(task.stage for task in self.tasks):
            mine = [task for task in self.tasks if task.stage == stage]
            done = sum(task.digest in self.done for task in mine)
            stages.add_row(stage, ProgressBar(len(mine), done, width=30), f"{done}/{len(mine)}")
        runs = []
        for _, run in sorted(self.now.items()):
            # Names come from recipes and folders: as they are, not as markup.
            runs.append(Text(run["task"].title(), overflow="ellipsis", no_wrap=True))
            seconds = self._run_left(run)
            left = "" if seconds is None else f" · {clock(seconds)} left"
            runs.append(Text(f"  {run['text']}{left}", overflow="ellipsis", no_wrap=True, style="dim"))
        left = self.left()
        foot = f"{clock(time.monotonic() - self.started)} gone" + (f", {left}" if left else "")
        return Group(stages, *runs, Text(foot))


def clock(seconds: float) -> str:
    """Seconds as 0:42, 12:05 or 3:07:10."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
