"""The marked places of a page: finding them and filling them."""

import re
import shlex
from collections.abc import Callable

from benchmarks.pages import arithmetic, values
from benchmarks.pages.blocks import known_blocks
from benchmarks.pages.house import House, taken
from indomain.errors import RequestError

VALUE = re.compile(r"<!-- n: ([^\n]+?) -->([^\n]*?)<!-- -->")
BLOCK = re.compile(r"(<!-- table: ([^\n]+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
# A comment that opens a line begins a block of HTML, and the rest of the line is then not read as Markdown.
OPENS_LINE = re.compile(r"^[ \t>*+-]*(?:\d+\. )?<!-- n: [^\n]*", re.MULTILINE)

VALUES: dict[str, Callable[..., str]] = {
    "minutes": values.minutes,
    "cell": values.cell,
    "bench": values.measured,
    "rate": values.rate,
    "assumed": arithmetic.assumed,
    "demand": arithmetic.demand,
    "from-disk": arithmetic.from_disk,
    "preparing": arithmetic.preparing,
}


def computed(house: House, kind: str, call: str) -> str:
    """What a mark asks for.

    Raises:
        RequestError: no such name, wrong arguments, or no such row; the message lists what there is.
    """
    name, *rest = shlex.split(call)
    function = taken(VALUES if kind == "value" else known_blocks(house), name, kind)
    columns = [part for part in rest if re.match("[a-z_]+=", part)]
    try:
        return function(house, *(p for p in rest if p not in columns), **dict(c.split("=", 1) for c in columns))
    except TypeError as error:
        raise RequestError(f"{call}: {error}") from error


def filled(house: House, text: str) -> str:
    """The text with every marked place written anew."""
    if wrong := OPENS_LINE.search(text):
        raise RequestError(f"a value cannot begin a line, since Markdown takes the line for HTML: {wrong.group()}")
    if text.count("<!-- n:") != len(VALUE.findall(text)) or text.count("<!-- table:") != len(BLOCK.findall(text)):
        raise RequestError(
            "a mark is not closed: <!-- n: ... -->value<!-- -->, or <!-- table: ... --> and <!-- end -->"
        )
    text = VALUE.sub(lambda m: f"<!-- n: {m[1]} -->{computed(house, 'value', m[1])}<!-- -->", text)
    return BLOCK.sub(lambda m: f"{m[1]}{computed(house, 'table', m[2])}\n{m[4]}", text)


def bare(text: str) -> str:
    """A filled text without its marks."""
    return BLOCK.sub(lambda m: m[3], VALUE.sub(lambda m: m[2], text)).strip()
