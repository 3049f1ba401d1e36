"""`indomain advise` is found by its name; its work is tested in tests/advice."""

from argparse import Namespace

import pytest

from indomain.commands import advise
from indomain.errors import RequestError


def test_the_library_finds_the_package_that_is_built_on_it(monkeypatch):
    asked = []
    monkeypatch.setattr("advice.command.advise", asked.append)
    options = Namespace(most=100)
    advise.advise(options)
    assert asked == [options]


def test_too_few_images_are_not_asked_for():
    with pytest.raises(RequestError, match="tell nothing"):
        advise.advise(Namespace(most=3))
