import json

import pytest

from indomain.errors import RequestError
from indomain.networks.backbones.scaling import Scaling
from indomain.networks.options import Architecture, BackboneOptions
from indomain.toml import validated


@pytest.mark.parametrize("size", [None, 96])
@pytest.mark.parametrize("scaling", [None, Scaling("bgr", (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))])
def test_an_architecture_comes_back_from_a_tasks_parameters(size, scaling):
    architecture = Architecture("dcnn", 0.25, (48, 64, 1), size, scaling)
    params = json.loads(json.dumps(architecture.to_params()))
    assert Architecture.of(params) == architecture and hash(Architecture.of(params)) == hash(architecture)


def test_without_a_size_of_its_own_the_parameters_do_not_name_one():
    # The digests of runs made before there were sizes depend on it.
    assert Architecture("dcnn", 1.0, (8, 8, 3)).to_params() == {"name": "dcnn", "width": 1.0, "shape": [8, 8, 3]}


def test_the_channels_are_the_last_of_the_shape():
    assert Architecture("squeezenet", 1.0, (48, 64, 3)).channels == 3


def test_own_is_the_side_that_a_network_was_trained_on():
    own = BackboneOptions(name="xception", size="own")
    assert (own.side, own.label) == (299, "xception")
    assert BackboneOptions(name="xception").side is None


@pytest.mark.parametrize(
    ("options", "label"),
    [({"size": 96}, "squeezenet-96px"), ({"width": 0.25}, "squeezenet-w0.25"), ({"width": 1}, "squeezenet")],
)
def test_the_label_tells_entries_of_one_backbone_apart(options, label):
    assert BackboneOptions(name="squeezenet", **options).label == label


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0.05}, "'width'.*0.125"),
        ({"size": 7}, "'size.*8"),
        ({"size": "huge"}, "'huge'. Known: own"),
        ({"wdith": 0.5}, "'wdith'.*Did you mean 'width'"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_key(options, message):
    with pytest.raises(RequestError, match=message):
        validated(BackboneOptions, {"name": "dcnn", **options}, "recipe.toml")
