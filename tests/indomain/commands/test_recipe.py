"""`indomain recipe`: keys of a table, the schema, and a hint for a key that does not exist."""

import json
from argparse import Namespace

import pytest

from indomain.commands import recipe
from indomain.commands.cli import main
from indomain.errors import RequestError


def test_the_keys_of_a_table_are_printed_with_their_meaning(capsys):
    assert main(["recipe", "--keys", "finetune"]) == 0
    out = capsys.readouterr().out
    assert "finetune.epochs = 10\n    Number of passes over the training images." in out and "fusion." not in out


def test_a_table_is_found_wherever_it_is(capsys):
    assert main(["recipe", "--keys", "split"]) == 0
    out = capsys.readouterr().out
    assert "targets.NAME.split.folds" in out and "targets.NAME.set" not in out


def test_the_schema_is_json(capsys):
    assert main(["recipe", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A recipe of indomain"


def test_an_unknown_table_and_no_question_are_answered(capsys):
    assert main(["recipe", "--keys", "finetuning"]) == 2
    assert "Did you mean 'finetune" in capsys.readouterr().err
    with pytest.raises(RequestError, match="--keys, --keys finetune, or --schema"):
        recipe.recipe(Namespace(keys=None, schema=False))
