"""`indomain new`: a folder becomes a manifest and a recipe that can be planned."""

from argparse import Namespace

import pytest

from indomain.commands.new import new
from indomain.errors import RequestError
from indomain.recipe.recipe import load_recipe
from tests.advice.test_command import leave_images


def test_manifest_and_recipe_are_written_together_and_can_be_planned(indomain, here):
    leave_images(here / "My lesions")
    status, out, err = indomain("new", "My lesions", "--output", "mine")
    assert status == 0 and "my_lesions-recipe.toml written" in out, err
    _, recipe, _ = load_recipe("mine/my_lesions-recipe.toml")
    assert (
        recipe.targets["own"].set == "my_lesions.toml" and recipe.size == 32 and recipe.targets["own"].split.folds == 5
    )
    status, out, err = indomain("plan", "mine/my_lesions-recipe.toml", "--prepare")
    assert status == 0 and "finetune" in out, err


def test_nothing_is_overwritten_and_images_without_labels_get_no_recipe(indomain, here):
    leave_images(here / "lesions")
    assert indomain("new", "lesions")[0] == 0
    with pytest.raises(RequestError, match="already exists"):
        new(Namespace(folder=here / "lesions", output=None))
    leave_images(here / "flat", ("x",))
    for path in (here / "flat/x").glob("*.png"):
        path.rename(here / "flat" / path.name)
    (here / "flat/x").rmdir()
    status, out, _ = indomain("new", "flat")
    assert status == 0 and "a target needs labels" in out and not (here / "flat-recipe.toml").exists()
