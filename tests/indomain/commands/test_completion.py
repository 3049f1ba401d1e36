"""`indomain completion`: a script for the shell, and the way out where the library that writes it is missing."""

import importlib.util
from argparse import Namespace

import pytest

from indomain.commands.cli import main
from indomain.commands.completion import completion
from indomain.errors import RequestError


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_a_script_names_the_commands(shell, capsys):
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert "advise" in out and "predict" in out


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match=r"indomain-pretraining\[completion\]"):
        completion(Namespace(shell="bash"))
