"""Commands of `indomain` run in this process, in a folder that several tests share."""

import contextlib
import io
from pathlib import Path

import pytest

from indomain.commands.cli import main


def run_in(here: Path, cache_dir: Path | None, *arguments: object) -> tuple[int, str, str]:
    """Runs a command in a folder, with `--cache-dir` if one is given; returns exit status, standard output and standard error."""
    words = [str(argument) for argument in arguments]
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.chdir(here)
        patch.delenv("INDOMAIN_DATA", raising=False)
        out, err = io.StringIO(), io.StringIO()
        stack.enter_context(contextlib.redirect_stdout(out))
        stack.enter_context(contextlib.redirect_stderr(err))
        status = main(words if cache_dir is None else [*words, "--cache-dir", str(cache_dir)])
    return status, out.getvalue(), err.getvalue()
