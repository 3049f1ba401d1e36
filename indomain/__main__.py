"""Lets `python -m indomain` run the command line."""

import sys

from indomain.commands.cli import main

if __name__ == "__main__":
    sys.exit(main())
