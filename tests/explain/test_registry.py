"""The explanations and measures by name: one entry is enough."""

import numpy as np
import pandas as pd
import pytest

from explain import registry
from explain.options import Options
from explain.registry import EXPLANATIONS, MEASURES, Measure
from explain.run import run
from indomain.errors import RequestError
from indomain.recipe.plan import make_plan
from indomain.runs.task import Work, find


@pytest.mark.parametrize("name", list(EXPLANATIONS))
def test_every_explanation_is_a_function_that_says_what_it_does(name):
    assert registry.explanation(name).__doc__


@pytest.mark.parametrize("name", list(MEASURES))
def test_every_measure_is_a_function_that_says_what_it_does(name):
    assert registry.measure(name).__doc__


@pytest.mark.parametrize("name", list(EXPLANATIONS))
def test_an_explanations_options_are_keys_of_the_table(name):
    entry = EXPLANATIONS[name]
    assert {*entry.options, *entry.measured_options} <= set(Options.model_fields)


def test_an_unknown_explanation_lists_the_known_ones():
    with pytest.raises(RequestError, match=r"unknown explanation 'gradcam'\. Did you mean 'grad-cam.*Known: grad-cam"):
        registry.explanation("gradcam")


def test_an_unknown_measure_lists_the_known_ones():
    with pytest.raises(RequestError, match="unknown measure 'point'. Did you mean 'pointing'"):
        registry.measure("point")


def test_only_what_a_map_without_knowledge_can_reach_has_controls():
    assert {name for name in MEASURES if registry.controls(name)} == {"pointing"}


def brightness(subject, method, heat):
    """How bright the images are where their maps are hottest."""
    return np.array([image[..., 0][one == one.max()].mean() for image, one in zip(subject.images, heat)])


def brightness_anywhere(subject):
    return {"anywhere": subject.images.mean(axis=(1, 2, 3))}


def test_a_measure_registered_from_outside_appears(explained, networks, tmp_path, monkeypatch):
    entry = Measure(f"{__name__}:brightness", controls=f"{__name__}:brightness_anywhere")
    monkeypatch.setitem(MEASURES, "brightness", entry)
    measured = find(make_plan(explained[0]), "explain", "measure", target="wrist", chain="random", explained="true")
    task = next(task for task in measured if "network" in task.inputs and task.input("network").digest in networks)
    assert task.params["measures"][-1] == "brightness"
    run(Work(task, tmp_path, {"network": networks[task.input("network").digest]}))
    table = pd.read_csv(tmp_path / "measures.csv")
    own = table[table["measure"] == "brightness"]
    assert own["explanation"].value_counts().to_dict() == {"grad-cam": 4, "lime": 4, "anywhere": 4}
    assert own["value"].between(0, 255).all()
