"""LIME: superpixels that raise a class's score."""

import numpy as np
import pytest
from lime import lime_image

from explain.lime_maps import lime, superpixels
from indomain.networks.scoring import of_network
from tests.explain.known import corner


@pytest.fixture(scope="module")
def bright():
    """An image with a bright upper left quarter, and the map of a network that sees nothing else."""
    image = np.random.default_rng(0).integers(0, 60, (1, 24, 24, 1)).astype(np.uint8)
    image[:, :12, :12] = 220
    return image, lime(of_network(corner()), image, np.array([1]), samples=200, segments=16, seed=3)


def test_lime_finds_the_place(bright):
    heat = bright[1][0]
    inside = np.zeros((24, 24), bool)
    inside[:12, :12] = True
    assert heat[inside].mean() > 5 * np.abs(heat[~inside]).mean()


def test_the_same_seed_gives_the_same_map(bright):
    again = lime(of_network(corner()), bright[0], np.array([1]), samples=200, segments=16, seed=3)
    np.testing.assert_array_equal(again, bright[1])


def test_another_seed_gives_another_map(bright):
    other = lime(of_network(corner()), bright[0], np.array([1]), samples=200, segments=16, seed=4)
    assert not np.array_equal(other, bright[1])


def test_samples_made_in_batches_are_those_of_the_lime_library(bright):
    image, heat = bright
    colour = np.repeat(image[0], 3, axis=-1).astype(np.float64)
    score = of_network(corner())
    explanation = lime_image.LimeImageExplainer(random_state=3).explain_instance(
        colour,
        lambda images: score(np.asarray(images, np.float32)[..., :1]),
        labels=(1,),
        top_labels=None,
        hide_color=None,
        num_features=10_000,
        num_samples=200,
        segmentation_fn=lambda one: superpixels(one, 16),
        random_seed=3,
    )
    expected = np.zeros((24, 24))
    for segment, weight in explanation.local_exp[1]:
        expected[explanation.segments == segment] = weight
    np.testing.assert_allclose(heat[0], expected, atol=1e-5)


def test_superpixels_are_those_that_a_map_has_one_weight_for(bright):
    parts = superpixels(bright[0][0], 16)
    pairs = {(part, weight) for part, weight in zip(parts.ravel(), bright[1][0].ravel())}
    assert len(pairs) == len(np.unique(parts)) > 4
