"""The recipe of the finalists: those that cannot be told from the best, with reasons, and it can be run."""

import pandas as pd
import pytest

from advice import finalists
from advice.beginnings import Candidate
from indomain.recipe.recipe import load_recipe
from tests.advice.test_beginnings import split  # noqa: F401 - fixture

CANDIDATES = [
    Candidate("lite0 after ImageNet", "imagenet", {"name": "efficientnet-lite0", "size": 224}),
    Candidate("squeezenet after ImageNet", "imagenet", {"name": "squeezenet", "size": 128}),
    Candidate("your model chest", "model:chest", {"name": "squeezenet", "width": 1.0}),
    Candidate("squeezenet with random weights", "random", {"name": "squeezenet"}, can_win=False),
    Candidate("features of dino", "features:dino.npz"),
]


def table_of(*lines):
    columns = ["beginning", "mean", "verdict", "can_win", "difference"]
    return pd.DataFrame(lines, columns=columns)


TABLE = table_of(
    ("features of dino", 0.91, "", True, float("nan")),
    ("lite0 after ImageNet", 0.9, "cannot tell", True, -0.01),
    ("the ImageNet networks together", 0.9, "equal", True, -0.01),
    ("your model chest", 0.89, "cannot tell", True, -0.02),
    ("squeezenet after ImageNet", 0.7, "worse", True, -0.21),
    ("squeezenet with random weights", 0.6, "cannot tell", False, -0.3),
)


def test_finalists_have_a_network_and_are_not_worse():
    assert [one.name for one in finalists.chosen(TABLE, CANDIDATES)] == ["lite0 after ImageNet", "your model chest"]


def test_the_recipe_is_read_by_the_package_and_says_why(split, tmp_path, monkeypatch):  # noqa: F811
    chosen = [*finalists.chosen(TABLE, CANDIDATES)[:1], CANDIDATES[1]]
    text = finalists.recipe('My "own" set', "small.toml:elbow", split, chosen, TABLE, 5, 41.6, ["ph2_64"])
    (tmp_path / "finalists.toml").write_text(text)
    _, recipe, _ = load_recipe(str(tmp_path / "finalists.toml"))
    assert "About 42 minutes" in text and "cannot tell, -0.010 from the highest" in text and '# set = "ph2_64"' in text
    assert (
        recipe.targets["data"].split.folds == 5
        and recipe.seeds == [0, 1, 2]
        and recipe.chains == {"imagenet": ["imagenet"]}
    )
    assert [one.learning_rate for one in recipe.backbones] == [[3e-4, 1e-3], [1e-4, 3e-4]]


def test_the_minutes_are_measured(split):  # noqa: F811
    small = Candidate("dcnn", "random", {"name": "dcnn-light", "width": 0.125})
    one, three = (finalists.minutes_of([small], split, folds) for folds in (1, 30))
    assert 0 < one < three


@pytest.mark.parametrize("text", ['a "b"', "a\\b"])
def test_a_title_cannot_break_the_recipe(text):
    import tomllib

    assert tomllib.loads(f'title = "{finalists._plain_text(text)}"')["title"] == text
