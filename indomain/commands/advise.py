"""`indomain advise`: which beginnings could be worth their training on a set; `advice` has the work."""

import argparse
import importlib

from indomain.errors import RequestError


def advise(options: argparse.Namespace) -> None:
    """Judges every beginning that is at hand on a folder or data set, and writes a recipe of the finalists."""
    if options.most < 20:
        raise RequestError("--most: fewer than 20 images tell nothing.")
    # By name: this library knows no package that is built on it.
    importlib.import_module("advice.command").advise(options)
