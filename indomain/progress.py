"""Progress with the time left: a bar on a terminal, an occasional plain line elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

Item = TypeVar("Item")
# progress(text, share=None): a run reports what it is doing, in a few words, and the share of its work done (0 … 1), if
# it is known.
Progress = Callable[..., None]
PLAIN_EVERY = 20.0  # seconds between two lines where the output is not a terminal


def bar() -> Bar:
    """Returns a rich progress bar on standard error, with the time elapsed and the time left."""
    from rich.console import Console

    return Bar(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def track(items: Iterable[Item], what: str, total: int, quiet: bool = False) -> Iterator[Item]:
    """Yields `items` and shows how many have been processed.

    Args:
        items: what to iterate over.
        what: a description of the work, printed before the numbers.
        total: the number of items.
        quiet: show nothing.
    """
    if quiet:
        yield from items
    elif sys.stderr.isatty():
        with bar() as progress:
            yield from progress.track(items, total=total, description=what)
    else:
        start = last = time.monotonic()
        for number, item in enumerate(items, 1):
            yield item
            now = time.monotonic()
            if now - last > PLAIN_EVERY:
                last = now
                left = (now - start) / number * (total - number)
                print(f"{what}: {number} of {total}, {left:.0f} s left", file=sys.stderr, flush=True)


def silent(text: str, share: float | None = None) -> None:
    """A `Progress` that shows nothing.

    Args:
        text: what the run is doing; ignored.
        share: the share of its work done; ignored.
    """
