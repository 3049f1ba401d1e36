import keras
import numpy as np
import pytest

from indomain.networks import architecture
from indomain.networks.backbones import dcnn


@pytest.fixture(scope="module")
def paper():
    """The network of the paper, at its size."""
    return dcnn.dcnn((224, 224, 3))


def test_it_has_as_many_weights_as_the_papers_network(paper):
    network = architecture.with_head(paper, 4, 0.5)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == 73_591_380


def test_it_has_the_papers_32_convolutions(paper):
    assert sum(isinstance(layer, keras.layers.Conv2D) for layer in paper.layers) == 32


def test_its_blocks_have_the_papers_sizes(paper):
    shapes = [paper.get_layer(f"block{number}_bn").output.shape for number in range(1, 7)]
    assert [shape[1] for shape in shapes] == [112, 56, 56, 28, 28, 14]
    assert [shape[-1] for shape in shapes] == [160, 256, 512, 544, 1600, 1664]
    assert paper.get_layer("stem2_relu").output.shape[1:] == (112, 112, 32)
    assert paper.output_shape == (None, 1200)


def test_it_takes_the_papers_rectangular_images():
    network = dcnn.dcnn((500, 375, 3), 0.125)
    assert network.get_layer("block6_bn").output.shape[1:] == (32, 24, 208)


def test_its_light_sibling_has_two_blocks_and_200_features():
    light = dcnn.dcnn_light((224, 224, 3))
    assert light.get_layer("block2_bn").output.shape[1:] == (56, 56, 288)
    assert light.output_shape == (None, 200)


def test_a_width_multiplies_every_layers_filters():
    narrow, wide = (dcnn.dcnn_light((32, 32, 1), width) for width in (0.125, 0.25))
    pairs = [(a.filters, b.filters) for a, b in zip(narrow.layers, wide.layers) if isinstance(a, keras.layers.Conv2D)]
    assert len(pairs) == 11 and all(2 * a == b for a, b in pairs)
