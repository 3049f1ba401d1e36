"""The keys of a recipe that describe targets, sources and splits."""

import pytest

from indomain.data.budget import LabelBudget
from indomain.data.options import MarkerOptions, Profile, SourceOptions, SplitOptions, TargetOptions
from indomain.errors import RequestError
from indomain.toml import validated


def test_only_the_strict_profile_is_strict():
    assert Profile("strict").strict and not Profile("paper").strict and not Profile("strict").drop_leaks


@pytest.mark.parametrize(
    ("model", "table", "message"),
    [
        (
            SplitOptions,
            {"scheme": "kfolds"},
            "unknown value of 'scheme' 'kfolds'. Did you mean 'kfold'.*holdout, kfold, off",
        ),
        (SplitOptions, {"test": 1}, "key 'test': .*less than 1"),
        (SplitOptions, {"validation": 0}, "key 'validation': .*greater than 0"),
        (SplitOptions, {"folds": 0}, "key 'folds'"),
        (SplitOptions, {"seed": -1}, "key 'seed'"),
        (SplitOptions, {"group": True}, "unknown key 'group'. Did you mean 'grouped'"),
        (TargetOptions, {"set": "x", "fractions": [0.1, 1.5]}, "label fractions lie above 0 and up to 1"),
        (TargetOptions, {"set": "x", "fractions": [0.0]}, "label fractions lie above 0 and up to 1"),
        (TargetOptions, {"set": "x", "shots": [0]}, "shots for each class are 1 or more"),
        (TargetOptions, {"set": "x", "leaks": "keep"}, "unknown value of 'leaks' 'keep'. Did you mean 'kept'"),
        (TargetOptions, {"set": "x", "split": {"fold": 2}}, "unknown key 'split.fold'. Did you mean 'split.folds'"),
        (TargetOptions, {}, "the key 'set' is missing"),
        (SourceOptions, {"set": []}, "key 'set"),
        (SourceOptions, {"set": "x", "use": ["tests"]}, "unknown value of 'use.0' 'tests'. Did you mean 'test'"),
        (SourceOptions, {"set": "x", "validation": 1}, "key 'validation'"),
        (MarkerOptions, {"share": 0.4}, "key 'share': .*greater than or equal to 0.5"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(model, table, message):
    with pytest.raises(RequestError, match=f"recipe.toml: .*{message}"):
        validated(model, table, "recipe.toml")


def test_a_positive_class_that_is_none_and_a_label_in_two_classes_are_refused():
    two = {"a": ["x"], "b": ["y"]}
    with pytest.raises(RequestError, match="the positive class 'c' is not one of a, b"):
        validated(TargetOptions, {"set": "x", "classes": two, "positive": "c"}, "recipe.toml")
    with pytest.raises(RequestError, match="label 'x' is in two classes, 'a' and 'b'"):
        validated(TargetOptions, {"set": "x", "classes": {"a": ["x"], "b": ["x"]}}, "recipe.toml")


def test_a_positive_class_without_classes_is_the_manifests():
    assert TargetOptions(set="x", positive="sick").labels.positive == "sick"


def test_budgets_are_fractions_then_shots_or_all_labels():
    asked = TargetOptions(set="x", fractions=[0.1, 1.0], shots=[5])
    assert asked.budgets() == [LabelBudget(0.1), LabelBudget(1.0), LabelBudget(shots=5)]
    assert TargetOptions(set="x").budgets() == [LabelBudget()]


def test_a_source_uses_its_training_images_unless_the_recipe_says_otherwise():
    assert SourceOptions(set="x").use == ["train"] and SourceOptions(set=["x", "y"], use=[]).use == []
