import inspect

import pytest

from transferability.registry import MEASURES, measure

FIRST = {
    "features": ["features", "y"],
    "head": ["probabilities", "y"],
    "extractor": ["first", "second"],
    "source": ["first", "second"],
    "labelled source": ["first", "y_first", "second", "y_second"],
}


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_takes_what_it_says_that_it_reads(name):
    parameters = list(inspect.signature(measure(name)).parameters)
    first = FIRST[MEASURES[name].reads]
    assert parameters[: len(first)] == first and ("groups" in parameters) == MEASURES[name].of_patients
