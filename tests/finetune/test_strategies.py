import pytest

from finetune.plan import Options
from finetune.strategies import STRATEGIES, fit_function
from indomain.errors import RequestError


@pytest.mark.parametrize("name", STRATEGIES)
def test_its_function_is_found(name):
    assert fit_function(name).__name__ == "fit"


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_keys_that_it_uses_exist(name):
    strategy = STRATEGIES[name]
    assert (strategy.options or set()) | strategy.own <= set(Options.model_fields)


def test_an_unknown_strategy_is_refused_with_those_there_are():
    with pytest.raises(
        RequestError,
        match="unknown strategy 'fulll'. Did you mean 'full'. Known: augmented, co-tuning, deeply-supervised, full, lp-ft, ",
    ):
        fit_function("fulll")
