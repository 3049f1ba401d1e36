"""The stages' own parts: objectives, fusion, classifiers, explanations."""

from pathlib import Path

import keras
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from explain.grad_cam import grad_cam
from explain.lime_maps import lime
from explain.stage import choose
from fusion import FeatureFusion
from fusion.classifiers import CLASSIFIERS
from indomain.errors import look_up


def test_a_wide_block_does_not_outweigh_a_narrow_one():
    features = np.random.default_rng(0).normal(size=(50, 110))
    fused = FeatureFusion([10, 100]).fit_transform(features)
    assert (fused[:, :10] ** 2).sum() == pytest.approx((fused[:, 10:] ** 2).sum())
    with pytest.raises(ValueError, match="blocks add up to 20 features, X has 110"):
        FeatureFusion([10, 10]).fit(features)


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_every_classifier_learns_and_gives_scores(name):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    features = rng.normal(size=(90, 6)) + 3 * np.eye(3, 6)[y]
    model = look_up(CLASSIFIERS, name, "classifier")(0)
    scores = make_pipeline(FeatureFusion([2, 4]), model).fit(features[:60], y[:60]).predict_proba(features[60:])
    assert scores.shape == (30, 3) and np.allclose(scores.sum(axis=1), 1)
    assert (scores.argmax(axis=1) == y[60:]).mean() > 0.7


@pytest.mark.parametrize("name", list(CLASSIFIERS))
def test_every_classifier_takes_two_images_a_class(name):
    features, y = np.random.default_rng(0).normal(size=(4, 3)), np.array([0, 1, 0, 1])
    scores = look_up(CLASSIFIERS, name, "classifier")(0).fit(features, y).predict_proba(features)
    assert scores.shape == (4, 2) and np.isfinite(scores).all()


def closed_form():
    """A network whose Grad-CAM is known: one 1×1 convolution with two filters, averaged, then logits ±."""
    inputs = keras.layers.Input((8, 8, 1), name="image")
    maps = keras.layers.Conv2D(2, 1, use_bias=False, name="maps")(inputs)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    logits = keras.layers.Dense(2, use_bias=False, name="logits")(pool)
    model = keras.Model(inputs, keras.layers.Softmax(name="scores")(logits))
    model.get_layer("maps").set_weights([np.array([1.0, -1.0]).reshape(1, 1, 1, 2)])
    model.get_layer("logits").set_weights([np.array([[0.0, 2.0], [0.0, 0.5]])])
    return model


def test_grad_cam_of_a_network_with_a_known_map():
    picture = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1)).astype(np.float32)
    # Class 1: weights (2, 0.5) / 64 on maps (x, −x) give 1.5 x / 64: the picture itself, its greatest value 1.
    heat = grad_cam(closed_form(), picture, np.array([1, 1]))
    expected = (picture / picture.max(axis=(1, 2), keepdims=True))[..., 0]
    assert np.allclose(heat, expected, atol=1e-6)
    assert (grad_cam(closed_form(), picture, np.array([0, 0])) == 0).all()


def test_lime_is_repeatable_and_finds_the_place():
    inputs = keras.layers.Input((24, 24, 1), name="image")
    corner = keras.layers.Cropping2D(((0, 12), (0, 12)))(inputs)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(corner)
    logits = keras.layers.Dense(2, name="logits")(pool)
    model = keras.Model(inputs, keras.layers.Softmax(name="scores")(logits))
    model.get_layer("logits").set_weights([np.array([[0.0, 0.1]]), np.array([0.0, -12.0])])
    # A bright corner is all that speaks for class 1.
    picture = np.random.default_rng(0).integers(0, 60, (1, 24, 24, 1)).astype(np.uint8)
    picture[:, :12, :12] = 220
    first = lime(model, picture, np.array([1]), samples=200, segments=16, seed=3)
    assert np.array_equal(first, lime(model, picture, np.array([1]), samples=200, segments=16, seed=3))
    inside = np.zeros((24, 24), bool)
    inside[:12, :12] = True
    assert first[0][inside].mean() > 5 * np.abs(first[0][~inside]).mean()


def test_the_pictures_explained_take_the_classes_in_turn():
    y = np.array([0, 0, 0, 1, 1, 0])
    chosen = choose(y, 4, 0)
    assert [int(y[place]) for place in chosen] == [1, 0, 1, 0] and len(set(chosen)) == 4
    assert len(choose(y, 99, 0)) == len(y)


def test_stages_do_not_import_one_another():
    root = Path(__file__).resolve().parent.parent
    stages = ("pretrain", "finetune", "fusion", "explain", "report")
    for package in ("indomain", *stages):
        for path in (root / package).rglob("*.py"):
            lines = [line.strip() for line in path.read_text().splitlines()]
            for other in stages:
                if other != package:
                    bad = [line for line in lines if line.startswith((f"from {other}", f"import {other}"))]
                    assert not bad, f"{path}: {bad}"
