"""Grad-CAM and Grad-CAM++ of networks whose maps are known."""

import numpy as np

from explain.grad_cam import enlarged, grad_cam, grad_cam_plus_plus
from tests.explain.known import closed_form


def test_grad_cam_of_a_network_with_a_known_map():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype(np.float32)
    # Class 1: weights (2, 0.5) / 64 on maps (x, −x) give 1.5 x / 64: the image itself, its greatest value 1.
    heat = grad_cam(closed_form(), images, np.array([1, 1]))
    expected = (images / images.max(axis=(1, 2), keepdims=True))[..., 0]
    np.testing.assert_allclose(heat, expected, atol=1e-6)


def test_where_nothing_speaks_for_the_class_the_map_is_empty():
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype(np.float32)
    assert (grad_cam(closed_form(), images, np.array([0, 0])) == 0).all()


def test_each_image_has_the_map_of_its_own_class():
    images = np.random.default_rng(0).integers(1, 256, (2, 8, 8, 1)).astype(np.float32)
    heat = grad_cam(closed_form(), images, np.array([0, 1]))
    assert heat[0].max() == 0 and heat[1].max() == 1


def test_grad_cam_plus_plus_by_hand():
    # One filter x with a positive gradient g everywhere: each place weighs g² / (2 g² + Σ x · g³), and the map is x again.
    images = np.random.default_rng(0).integers(1, 256, (1, 8, 8, 1)).astype(np.float32)
    heat = grad_cam_plus_plus(closed_form(), images, np.array([1]))
    maps = np.concatenate([images, -images], axis=-1)[0].astype(float)
    gradient = np.array([2.0, 0.5]) / 64
    shares = gradient**2 / (2 * gradient**2 + maps.sum(axis=(0, 1)) * gradient**3)
    by_hand = np.maximum((maps * 64 * shares * gradient).sum(axis=-1), 0)
    np.testing.assert_allclose(heat[0], by_hand / by_hand.max(), atol=1e-5)


def test_another_layer_can_be_asked_for():
    images = np.random.default_rng(0).integers(1, 256, (1, 8, 8, 1)).astype(np.float32)
    default, named = (grad_cam(closed_form(), images, np.array([1]), layer) for layer in (None, "maps"))
    np.testing.assert_array_equal(default, named)


def test_a_map_is_enlarged_to_the_image_with_its_greatest_value_one():
    large = enlarged(np.array([[0.0, 2.0], [0.0, 0.0]]), (10, 6))
    assert large.shape == (10, 6) and large.max() == 1 and large[0, -1] == 1 and large[-1, 0] == 0
