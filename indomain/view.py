"""What a person sees of a recipe at work: on a terminal a live view, elsewhere plain lines."""

import sys
import time
from typing import Any

from indomain.progress import PLAIN_EVERY
from indomain.runs import Task


class View:
    """Stages, the runs at work with epoch, loss and images a second, and the time left.

    A run's length is expected from finished runs of its kind; where nothing is known, from those finished meanwhile.
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
        self.spent: list[float] = []
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
            words = f", about {clock(left)} left" if left is not None else ""
            print(f"[{len(self.done) + 1}/{len(self.tasks)}{words}] {task.title()}", file=sys.stderr, flush=True)

    def note(self, text: str, share: float | None = None, worker: int = 0) -> None:
        """Where a run is: words, and the share of its work that is done."""
        run = self.now.get(worker)
        if run is None:
            return
        run.update(text=text, share=share)
        now = time.monotonic()
        if self.plain and now - run["said"] > PLAIN_EVERY:
            run["said"] = now
            left = f", {clock(self._run_left(run))} left" if share else ""
            print(f"    {run['task'].title()}: {text}{left}", file=sys.stderr, flush=True)

    def end(self, task: Task, worker: int = 0, seconds: float | None = None) -> None:
        """A run is done; `seconds`: what it took, if not the time since it began here."""
        self.done.add(task.digest)
        run = self.now.pop(worker, None)
        if run and run["here"]:
            self.ours += 1
            self.spent.append(time.monotonic() - run["began"] if seconds is None else seconds)

    def gone(self, worker: int) -> None:
        """A process has ended."""
        self.now.pop(worker, None)

    def left(self) -> float | None:
        """Seconds until all is done, or None while nothing can be said."""
        mean = sum(self.spent) / len(self.spent) if len(self.spent) > 2 else None
        running = {run["task"].digest for run in self.now.values()}
        total = sum(self._run_left(run) or mean or 0.0 for run in self.now.values())
        for task in self.tasks:
            if task.digest not in self.done and task.digest not in running:
                seconds = self.expected.get(task.digest)
                seconds = mean if seconds is None else seconds
                if seconds is None:
                    return None
                total += seconds
        return total / self.workers

    def _run_left(self, run: dict[str, Any]) -> float:
        gone = time.monotonic() - run["began"]
        if run["share"]:
            return gone * (1 - run["share"]) / run["share"]
        return max((self.expected.get(run["task"].digest) or 0.0) - gone, 0.0)

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
            seconds = f" · {clock(self._run_left(run))} left" if run["share"] else ""
            runs.append(Text(f"  {run['text']}{seconds}", overflow="ellipsis", no_wrap=True, style="dim"))
        left = self.left()
        foot = f"{clock(time.monotonic() - self.started)} gone" + (f", {clock(left)} left" if left is not None else "")
        return Group(stages, *runs, Text(foot))


def clock(seconds: float) -> str:
    """Seconds as 0:42, 12:05 or 3:07:10."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
