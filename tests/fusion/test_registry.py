"""The rules and classifiers by name."""

import pytest

from fusion import registry
from fusion.registry import CLASSIFIERS, RULES
from fusion.scores import RULES as SCORE_RULES
from indomain.errors import RequestError


@pytest.mark.parametrize("name", list(RULES))
def test_every_rule_is_a_function_that_says_what_it_does(name):
    assert registry.rule(name).__doc__


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_every_setting_of_a_grid_is_one_of_the_classifiers(name):
    learner = registry.classifier(name, 0)
    grid = CLASSIFIERS[name].grid
    learner.set_params(**{key: values[-1] for key, values in grid.items()})
    assert {key: learner.get_params()[key] for key in grid} == {key: values[-1] for key, values in grid.items()}


@pytest.mark.parametrize("name", [name for name, entry in CLASSIFIERS.items() if entry.grid])
def test_the_first_setting_of_a_grid_is_what_it_runs_with_untuned(name):
    # So that a tie leaves the classifier as it is.
    learner = registry.classifier(name, 0)
    own = {key: learner.get_params()[key] for key in CLASSIFIERS[name].grid}
    assert own == {key: values[0] for key, values in CLASSIFIERS[name].grid.items()}


def test_the_seed_reaches_the_classifier():
    assert registry.classifier("random-forest", 7).random_state == 7


@pytest.mark.parametrize("name", [name for name, entry in RULES.items() if entry.of_heads])
def test_heads_are_fused_by_a_rule_of_scores(name):
    assert RULES[name].of_heads in SCORE_RULES


def test_an_unknown_rule_lists_the_known_ones():
    with pytest.raises(
        RequestError, match=r"unknown rule of fusion 'concatenation'\. Did you mean 'concat'\? Known: cca"
    ):
        registry.rule("concatenation")


def test_an_unknown_classifier_lists_the_known_ones():
    with pytest.raises(RequestError, match=r"unknown classifier 'svm'\. Did you mean .* Known: decision-tree"):
        registry.classifier("svm", 0)
