"""python -m benchmarks.pages [--check]"""

import argparse
import sys

from benchmarks import pages
from indomain.errors import RequestError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=pages.__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; name the stale pages")
    check = parser.parse_args().check
    try:
        found = pages.stale()
    except RequestError as error:
        print(error, file=sys.stderr)
        return 2
    for path, text in found.items():
        print(f"{path.relative_to(pages.ROOT)}: {'stale, run `make pages`' if check else 'written'}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
