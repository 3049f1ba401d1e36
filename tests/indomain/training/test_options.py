import pytest

from finetune.plan import Options
from indomain.errors import RequestError
from indomain.toml import validated
from indomain.training.options import LearningOptions, TrainingOptions


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"augment": "elastc"}, "'augment': unknown augmentation 'elastc'. Did you mean 'elastic'. Known: .*basic"),
        ({"optimizer": "adamww"}, "'optimizer' 'adamww'. Did you mean 'adamw'"),
        ({"epochs": 0}, "'epochs'.*greater than or equal to 1"),
        ({"batch": 0}, "'batch'"),
        ({"learning_rate": 0}, "'learning_rate'.*greater than 0"),
        ({"learning_rate": float("inf")}, "'learning_rate'.*finite"),
        ({"momentum": 1}, "'momentum'.*less than 1"),
        ({"lerning_rate": 1}, "'lerning_rate'. Did you mean 'learning_rate'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(options, message):
    with pytest.raises(RequestError, match=message):
        validated(LearningOptions, options, "recipe.toml: [finetune]")


@pytest.mark.parametrize(
    ("options", "message"),
    [({"dropout": 1}, "'dropout'"), ({"class_weights": "even"}, "none"), ({"select": "first"}, "best, last")],
)
def test_learning_from_labels_has_keys_of_its_own(options, message):
    assert set(TrainingOptions.model_fields) - set(LearningOptions.model_fields) >= set(options)
    with pytest.raises(RequestError, match=message):
        validated(TrainingOptions, options, "recipe.toml: [finetune]")


def test_under_strict_a_new_head_disturbs_nothing_and_under_paper_it_is_the_authors():
    strict, paper = Options(), Options(**Options.paper_defaults())
    assert (strict.head_init, strict.head_lr_factor, strict.dropout) == ("zeros", 1, 0)
    assert (paper.head_init, paper.head_lr_factor, paper.dropout) == ("glorot", 10, 0.5)
