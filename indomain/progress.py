"""Progress with the time left: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Item = TypeVar("Item")
# A run says where it is: a few words, and the share of its work that is done, if it knows.
Note = Callable[..., None]
PLAIN_EVERY = 20.0  # seconds between two lines where the output is no terminal


def bar() -> Progress:
    """A rich progress bar on standard error with the time gone by and the time left."""
    from rich.console import Console

    return Progress(
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
    """Yields `items`, showing how far it is."""
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
    """A `Note` that nobody reads."""
