"""Every key of a recipe has a line of help, and every shipped recipe keeps to the schema that editors get."""

import tomllib

import jsonschema
import pytest

from indomain.files import shipped
from indomain.recipe.keys import keys, schema
from indomain.runs.stages import STAGES

RECIPES = sorted(path for path in shipped("recipes").rglob("*.toml") if path.name != "reported.toml")


@pytest.fixture(scope="module")
def known():
    return {key.name: key for key in keys()}


@pytest.fixture(scope="module")
def validator():
    found = schema()
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def test_every_key_has_its_line_of_help(known):
    assert [name for name, key in known.items() if not key.help] == []
    assert {name.partition(".")[0] for name in known} >= {"title", "size", "targets", "sources", "chains", *STAGES}


def test_keys_are_named_as_a_recipe_writes_them(known):
    assert known["targets.NAME.split.folds"].default == "1" and known["title"].default == "required"
    assert known["backbones[].width"].default == "1.0" and known["finetune.optimizer"].default == '"adamw"'
    assert known["pretrain.simclr.temperature"].default == "0.5" and known["fusion.distil.groups"].default == "[]"
    assert "patients" in known["targets.NAME.split.validation"].help


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_shipped_recipe_keeps_to_the_schema(path, validator):
    errors = list(validator.iter_errors(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert not errors, errors[0].message


@pytest.mark.parametrize(
    "wrong",
    [
        {"sizes": 64},
        {"size": "large"},
        {"finetune": {"epoch": 3}},
        {"targets": {"x": {"set": "y", "split": {"scheme": "kfolds"}}}},
    ],
)
def test_what_is_wrong_is_underlined(wrong, validator):
    good = {"title": "t", "backbones": ["squeezenet"], "targets": {"x": {"set": "y"}}, "chains": {"random": ["random"]}}
    assert validator.is_valid(good) and not validator.is_valid({**good, **wrong})
