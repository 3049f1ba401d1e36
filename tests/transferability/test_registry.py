import inspect

import pytest

from transferability.registry import MEASURES, measure


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_takes_features_classes_and_patients_where_it_says_so(name):
    parameters = list(inspect.signature(measure(name)).parameters)
    assert parameters[:2] == ["features", "y"] and ("groups" in parameters) == MEASURES[name].of_patients
