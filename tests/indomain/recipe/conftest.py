"""What tests of recipes share: a recipe's text met with data."""

from collections.abc import Callable
from pathlib import Path

import pytest

from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder


@pytest.fixture
def study_of(small_recipe, cache_dir) -> Callable[..., Study]:
    """The study of the small recipe, with some of its text replaced."""

    def study(*replacements: tuple[str, str]) -> Study:
        text = small_recipe.read_text()
        for old, new in replacements:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = small_recipe.with_name("changed.toml")
        path.write_text(text)
        name, recipe, base = load_recipe(str(path))
        return Study("tiny", recipe, base, RunsFolder(Path("runs")), Path("data"), cache_dir, quiet=True)

    return study
