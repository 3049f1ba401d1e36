"""What is at hand: the installed networks always, the user's models and features where there are any."""

import json

import numpy as np
import pytest

from advice.beginnings import IMAGENET, at_hand, features_of, overlap
from indomain.data.split import Split
from indomain.errors import RequestError
from indomain.recipe.recipe import load_recipe
from indomain.recipe.study import Study
from indomain.runs.folder import RunsFolder
from tests.conftest import SMALL_MANIFEST
from tests.indomain.models.conftest import command, network, ran  # noqa: F401 - fixtures

RECIPE = """
title = "Screening"
size = 32
channels = "rgb"
drop_leaks = true
backbones = ["squeezenet"]
[targets.data]
set = "small.toml:elbow"
split = { scheme = "kfold", folds = 2, validated = false }
[chains]
imagenet = ["imagenet"]
"""


@pytest.fixture(scope="module")
def split(tmp_path_factory, cache_dir) -> Split:
    here = tmp_path_factory.mktemp("screening")
    (here / "small.toml").write_text(SMALL_MANIFEST)
    (here / "screening.toml").write_text(RECIPE)
    name, recipe, base = load_recipe(str(here / "screening.toml"))
    return Study(name, recipe, base, RunsFolder(here / "runs"), here, cache_dir, quiet=True).target("data", "strict")


@pytest.fixture
def alone(tmp_path, monkeypatch):
    monkeypatch.setenv("INDOMAIN_MODELS", str(tmp_path / "none"))


def test_the_imagenet_networks_are_always_there_and_random_weights_as_a_floor(tmp_path, alone):
    found, left = at_hand(tmp_path, [])
    assert [one.backbone["name"] for one in found if one.start == "imagenet"] == list(IMAGENET)
    assert [one.can_win for one in found] == [True] * 4 + [False] and left == []


def test_features_are_computed_once_and_in_the_order_of_the_rows(split, tmp_path, alone):
    squeezenet = next(one for one in at_hand(tmp_path, [])[0] if one.start == "random")
    said = []
    first = features_of(squeezenet, split, tmp_path / "kept", said.append)
    again = features_of(squeezenet, split, tmp_path / "kept", said.append)
    np.testing.assert_array_equal(first, again)
    assert len(said) == 1 and first.shape == (len(split.rows()), 512) and np.isfinite(first).all()


def test_a_users_model_is_a_beginning_and_says_what_it_has_learnt_from(split, ran, network, monkeypatch, tmp_path):  # noqa: F811
    monkeypatch.setenv("INDOMAIN_MODELS", str(ran))
    (candidate,) = [one for one in at_hand(tmp_path, [])[0] if one.model]
    assert candidate.name == "your model network" and candidate.start == "model:network"
    values = features_of(candidate, split, tmp_path / "kept", lambda text: None)
    assert len(values) == len(split.rows())
    # It was pretrained on the elbows, too.
    assert overlap(candidate, split) > 0


def test_features_files_are_read_and_others_refused(split, tmp_path, alone):
    import pandas as pd

    table = pd.read_csv(split.prepared[0] / "index.csv")
    card = {"model": "made", "revision": "1", "licence": "none", "input": "none", "trained_on": "unknown"}
    values = np.arange(2 * len(table), dtype=np.float32).reshape(-1, 2)
    arrays = {"features": values, "sha256": table["sha256"].to_numpy(str), "card": json.dumps(card)}
    np.savez(tmp_path / "made.npz", **arrays)
    candidate = at_hand(tmp_path, [tmp_path / "made.npz"])[0][-1]
    assert candidate.name == "features of made" and not candidate.backbone
    np.testing.assert_array_equal(features_of(candidate, split, tmp_path, print), values[split.rows()])
    with pytest.raises((RequestError, OSError)):
        at_hand(tmp_path, [tmp_path / "nothing.npz"])
