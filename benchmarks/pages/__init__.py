"""Writes results/README.md, and the marked places of README.md and docs/, from the committed results.

    python -m benchmarks.pages              write the pages that are stale
    python -m benchmarks.pages --check      write nothing; name the stale pages and end with status 1

Two kinds of comments mark a place; a rendered page shows neither:

    It takes <!-- n: minutes quickstart -->6<!-- --> minutes.

    <!-- table: bench-precision -->
    | what | ours | ...
    <!-- end -->

The first word is a name of VALUES or BLOCKS below, then come its arguments as in a shell. `key=value` picks rows of a CSV by
their columns, with * for anything. Text that belongs to one recipe stands in results/remarks/<recipe>.md, with the same marks.
"""

from pathlib import Path

from benchmarks.pages.house import House
from benchmarks.pages.marks import filled
from benchmarks.pages.results_page import results_page
from indomain.errors import RequestError

ROOT = Path(__file__).resolve().parent.parent.parent


def pages(root: Path = ROOT) -> dict[Path, str]:
    """Every page and the text it should have."""
    house = House(root)
    found: dict[Path, str] = {}
    paths = [
        root / "README.md",
        *sorted((root / "docs").rglob("*.md")),
        *sorted((root / "results/remarks").glob("*.md")),
    ]
    for path in paths:
        try:
            found[path] = filled(house, path.read_text("utf-8"))
        except RequestError as error:
            raise RequestError(f"{path.relative_to(root)}: {error}") from error
    remarks = {path.stem: text for path, text in found.items() if path.parent.name == "remarks"}
    found[root / "results/README.md"] = results_page(house, remarks)
    return found


def stale(root: Path = ROOT) -> dict[Path, str]:
    """The pages whose text is not what the results say, and what it should be."""
    return {path: text for path, text in pages(root).items() if not path.exists() or path.read_text("utf-8") != text}
