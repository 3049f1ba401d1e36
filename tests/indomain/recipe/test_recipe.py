"""A recipe's file: found, changed on the command line, and refused where a word is not known."""

import pytest

from indomain.errors import RequestError
from indomain.recipe.recipe import Recipe, load_recipe, recipe_names

LEAST = {"title": "x", "backbones": ["squeezenet"], "targets": {"t": {"set": "phantom"}}, "chains": {"r": ["random"]}}


def recipe(**changes) -> Recipe:
    return Recipe.model_validate({**LEAST, **changes})


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_is_valid(name):
    assert load_recipe(name)[1].title


def test_shipped_recipes_are_named_by_their_folder_and_reported_numbers_are_none():
    names = set(recipe_names())
    assert {"quickstart", "mini/skin", "mini/ct", "alammar2023/humerus", "alzubaidi2021/foot"} <= names
    assert not any("reported" in name for name in names)


def test_a_users_recipe_is_named_by_its_file_and_starts_its_paths_beside_it(small_recipe):
    name, loaded, base = load_recipe(str(small_recipe))
    assert name == "tiny" and loaded.title == "Tiny" and base == small_recipe.parent


def test_a_name_that_is_nearly_known_is_said():
    with pytest.raises(RequestError, match=r"unknown recipe 'quickstat'\. Did you mean 'quickstart'"):
        load_recipe("quickstat")


def test_a_file_that_is_not_there_names_the_shipped_ones(here):
    with pytest.raises(RequestError, match=r"no recipe none\.toml\. Shipped ones: .*quickstart"):
        load_recipe("none.toml")


def test_a_recipe_cannot_be_called_as_the_folder_of_runs(small_recipe):
    path = small_recipe.rename(small_recipe.with_name("work.toml"))
    with pytest.raises(RequestError, match="Rename it"):
        load_recipe(str(path))


@pytest.mark.parametrize(
    ("setting", "value"),
    [("finetune.epochs=7", 7), ("finetune.optimizer=sgd", "sgd"), ('finetune.strategies=["a"]', ["a"])],
)
def test_a_setting_replaces_a_key_by_toml_or_plain_words(small_recipe, setting, value):
    key = setting.partition("=")[0].partition(".")[2]
    assert load_recipe(str(small_recipe), [setting])[1].finetune[key] == value


@pytest.mark.parametrize(
    ("setting", "message"),
    [("nonsense", "expected key=value"), ("title.x=1", "'title' is not a table"), ("sizes=32", "Did you mean 'size'")],
)
def test_a_setting_that_means_nothing_is_refused(small_recipe, setting, message):
    with pytest.raises(RequestError, match=message):
        load_recipe(str(small_recipe), [setting])


def test_a_profile_on_the_command_line_replaces_the_recipes(small_recipe):
    assert load_recipe(str(small_recipe), profile="paper")[1].profiles == ["paper"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbones": ["squeezenett"]}, "unknown backbone 'squeezenett'"),
        ({"backbones": ["squeezenet", "squeezenet"]}, "a backbone is listed twice"),
        ({"seeds": [1, 1]}, "a seed is listed twice"),
        ({"targets": {"t": {"set": "phantom", "chains": ["q"]}}}, r"targets\.t\.chains: unknown chain 'q'"),
        ({"backbones": [{"name": "squeezenet", "chains": ["q"]}]}, "backbones: squeezenet: unknown chain 'q'"),
        ({"chains": {"r": []}}, "is empty"),
    ],
)
def test_names_that_do_not_resolve_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        recipe(**changes)


def test_one_size_is_a_square_and_two_are_rows_and_columns():
    assert recipe(size=32).shape == (32, 32) and recipe(size=(32, 48)).shape == (32, 48)


def test_the_paper_profile_splits_as_the_paper_did():
    target = {"set": "phantom", "split": {"scheme": "kfold", "folds": 5}, "paper_split": {"scheme": "holdout"}}
    made = recipe(targets={"t": target})
    assert made.target("t", "strict").split.scheme == "kfold" and made.target("t", "paper").split.scheme == "holdout"


def test_arms_are_the_pairs_of_backbones_and_chains_that_can_exist():
    made = recipe(backbones=["squeezenet", "dcnn-light"], chains={"r": ["random"], "i": ["imagenet"]})
    pairs = [(arm.backbone.name, arm.chain.name) for arm in made.arms("t")]
    assert pairs == [("squeezenet", "r"), ("squeezenet", "i"), ("dcnn-light", "r")]
    assert [(arm.backbone.name, arm.chain.name) for arm in made.missing_arms("t")] == [("dcnn-light", "i")]


def test_a_backbone_and_a_target_may_run_some_of_the_chains_only():
    chains = {"r": ["random"], "i": ["imagenet"], "w": ["w.keras"]}
    backbones = [{"name": "squeezenet", "chains": ["i"]}, "dcnn-light"]
    made = recipe(chains=chains, backbones=backbones, targets={"t": {"set": "phantom", "chains": ["r", "i"]}})
    assert [(arm.backbone.name, arm.chain.name) for arm in made.arms("t")] == [("squeezenet", "i"), ("dcnn-light", "r")]


def test_the_sources_of_a_target_are_those_that_its_chains_learn_from():
    chains = {"r": ["random"], "s": ["random", "a:supervised"], "d": ["random", "a:simclr", "b:supervised"]}
    sources = {name: {"set": "phantom"} for name in "ab"}
    targets = {"t": {"set": "phantom", "chains": ["r", "s"]}, "u": {"set": "phantom"}}
    made = recipe(chains=chains, sources=sources, targets=targets)
    assert made.sources_of("t") == {"a"} and made.sources_of("u") == {"a", "b"}


def test_a_features_file_is_one_arm_whatever_the_backbones():
    made = recipe(backbones=["squeezenet", "dcnn-light"], chains={"r": ["random"], "f": ["features:f.npz"]})
    assert [(arm.label, arm.chain.name) for arm in made.arms("t")] == [
        ("squeezenet", "r"),
        ("dcnn-light", "r"),
        ("f", "f"),
    ]
    marked = {"t": {"set": "phantom", "confounder": {}}}
    alone = recipe(backbones=[], chains={"f": ["features:f.npz"]}, targets=marked)
    assert alone.arms("t") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbones": []}, "backbones is empty, and a chain needs one"),
        (
            {"backbones": [{"name": "squeezenet", "chains": ["f"]}], "chains": {"f": ["features:f.npz"]}},
            "squeezenet: no backbone runs 'f', a features file",
        ),
    ],
)
def test_backbones_and_features_that_do_not_go_together_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        recipe(**changes)


SOURCES = {"a": {"set": "phantom/elbow"}, "b": {"set": "phantom/hand"}}


def test_one_word_gives_a_chain_for_each_source():
    made = recipe(
        sources=SOURCES,
        backbones=[{"name": "squeezenet", "chains": ["i", "{source}-labels"]}],
        chains={"i": ["imagenet"], "{source}-labels": ["imagenet", "{source}:supervised"]},
        targets={"t": {"set": "phantom", "chains": ["{source}-labels"]}},
    )
    assert made.chains["a-labels"] == ["imagenet", "a:supervised"]
    assert list(made.chains) == ["i", "a-labels", "b-labels"]
    assert [arm.chain.name for arm in made.arms("t")] == ["a-labels", "b-labels"]
    assert made.sources_of("t") == {"a", "b"}
    # What is written out is a recipe like any other.
    assert Recipe.model_validate(made.model_dump()).chains == made.chains


@pytest.mark.parametrize(
    ("sources", "chains", "message"),
    [
        (SOURCES, {"all": ["random", "{source}:supervised"]}, "must stand in its name and in its steps"),
        (SOURCES, {"{source}": ["random"]}, "must stand in its name and in its steps"),
        ({}, {"{source}": ["random", "{source}:supervised"]}, "and the recipe has none"),
        (SOURCES, {"a": ["random"], "{source}": ["random", "{source}:simclr"]}, "'a' is there twice"),
    ],
)
def test_a_chain_for_each_source_that_cannot_be_is_refused(sources, chains, message):
    with pytest.raises(ValueError, match=message):
        recipe(sources=sources, chains=chains)
