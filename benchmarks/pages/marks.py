"""The marked places of a page: finding them and filling them."""

import re
import shlex
from collections.abc import Callable

from benchmarks.pages import arithmetic, values
from benchmarks.pages.blocks import known_blocks
from benchmarks.pages.house import House, taken
from indomain.errors import RequestError

# Blocks of code come first: a mark inside one is an example, and stays as it is.
PLACE = re.compile(
    r"^```.*?^```"
    r"|<!-- n: (?P<value>[^\n]+?) -->(?P<number>[^\n]*?)<!-- -->"
    r"|<!-- table: (?P<block>[^\n]+?) -->\n(?P<lines>.*?)<!-- end -->",
    re.DOTALL | re.MULTILINE,
)

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


def filled(house: House, text: str) -> str:
    """The text with every marked place written anew.

    Raises:
        RequestError: a mark is not closed, opens a line, or asks for something that is not there.
    """

    def fill(place: re.Match[str]) -> str:
        if place["block"]:
            return f"<!-- table: {place['block']} -->\n{computed(house, 'table', place['block'])}\n<!-- end -->"
        if not place["value"]:
            return place.group()
        before = text[text.rfind("\n", 0, place.start()) + 1 : place.start()]
        if re.fullmatch(r"[ \t>*+-]*(\d+\. )?", before):
            raise RequestError(f"a value cannot open a line, which Markdown then takes for HTML: {place.group()}")
        return f"<!-- n: {place['value']} -->{computed(house, 'value', place['value'])}<!-- -->"

    if opened := re.search(r"<!-- (n|table): [^\n]*", PLACE.sub("", text)):
        raise RequestError(f"this mark is not closed by <!-- --> (value) or <!-- end --> (table): {opened.group()}")
    return PLACE.sub(fill, text)


def computed(house: House, kind: str, call: str) -> str:
    """What a mark asks for; an unknown name, or arguments that fit no row, are a RequestError that lists what there is."""
    name, *rest = shlex.split(call)
    function = taken(VALUES if kind == "value" else known_blocks(house), name, kind)
    columns = [part for part in rest if re.match("[a-z_]+=", part)]
    try:
        return function(house, *(p for p in rest if p not in columns), **dict(c.split("=", 1) for c in columns))
    except TypeError as error:
        raise RequestError(f"{call}: {error}") from error


def bare(text: str) -> str:
    """A filled text without its marks."""
    return PLACE.sub(lambda place: (place["lines"] or place["number"] or place.group()).rstrip("\n"), text).strip()
