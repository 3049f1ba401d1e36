"""The keys of [synthesis]: Frid-Adar's settings are the defaults, and what makes no sense is refused."""

import pytest
from pydantic import ValidationError

from indomain.errors import RequestError
from synthesis.options import GANOptions, Options, options_model


def test_the_defaults_are_the_papers():
    options = GANOptions()
    stated = {"learning_rate": 2e-4, "beta_1": 0.5, "batch": 64, "noise": 100, "width": 1024, "optimizer": "adam"}
    assert {key: getattr(options, key) for key in stated} == stated
    assert (options.schedule, options.warmup, options.clip, options.select) == ("constant", 0.0, 0.0, "last")
    assert GANOptions.paper_defaults() == {}


def test_every_generator_has_a_table():
    assert options_model()().dcgan == GANOptions() and hasattr(options_model()(), "dcgan-sn")


def test_an_unknown_generator_is_answered_with_the_known_ones():
    with pytest.raises((RequestError, ValidationError), match="unknown generator 'dcgam'. Did you mean 'dcgan'"):
        Options(generators=["dcgam"])


@pytest.mark.parametrize("amounts", [[1.0], [1.0, 0.5], [0.0, 1.0], [0.5, 1.0, 2.0]])
def test_there_are_two_amounts_the_smaller_first(amounts):
    with pytest.raises(ValidationError):
        Options(amounts=amounts)
