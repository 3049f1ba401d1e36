"""`indomain completion SHELL`: a script that completes commands and options."""

import argparse
import importlib.util

from indomain.errors import RequestError


def completion(options: argparse.Namespace) -> None:
    """Prints the script; `eval "$(indomain completion bash)"` in ~/.bashrc switches it on."""
    if importlib.util.find_spec("shtab") is None:
        raise RequestError(
            "completion needs shtab, which is not installed: pip install 'indomain-pretraining[completion]'."
        )
    import shtab

    from indomain.commands.cli import parser

    print(shtab.complete(parser(), options.shell))
