"""How synthetic images compare with real ones: what a good generator, a collapsed one and a copier are told."""

import numpy as np
import pytest

from synthesis import judgement
from synthesis.judgement import Seen, distances, judged


def population(count, seed, width=32, spread=1.0):
    return (spread * np.random.default_rng(seed).normal(size=(count, width))).astype(np.float32)


def line_of(made, accuracy=0.8, before=False, augmented=None):
    augmented = population(60, 9) + 3 if augmented is None else augmented
    return judged("a", Seen(population(60, 0), population(40, 1), made, augmented), accuracy, before)


def test_images_of_the_same_population_are_not_complained_of():
    line = line_of(population(60, 2))
    assert line["beware"] == "" and line["kid"] == pytest.approx(line["kid_real"], abs=0.1)
    assert line["density"] == pytest.approx(1, abs=0.35) and line["coverage"] > 0.7
    assert line["variety"] == pytest.approx(1, abs=0.1) and line["copies"] < 0.25


def test_a_generator_that_makes_one_image_has_collapsed():
    line = line_of(np.repeat(population(1, 2), 60, axis=0) + population(60, 3, spread=0.01))
    assert "mode collapse" in line["beware"] and line["variety"] < 0.1


def test_copies_of_training_images_are_seen():
    line = line_of(population(60, 0) + population(60, 4, spread=0.01))
    assert "copies of training images" in line["beware"] and line["copies"] == 1.0


def test_leaked_augmentations_are_seen_but_not_where_they_were_asked_for():
    augmented = population(60, 5) + np.float32(2)
    leaked = population(60, 6) + np.float32(2)
    assert "augmentations have leaked" in line_of(leaked, augmented=augmented)["beware"]
    assert "leaked" not in line_of(leaked, before=True, augmented=augmented)["beware"]


def test_a_discriminator_that_is_always_right_has_learnt_by_heart():
    assert "by heart" in line_of(population(60, 2), accuracy=0.995)["beware"]


def test_without_images_held_out_nothing_is_said_of_copies():
    seen = Seen(population(60, 0), np.zeros((0, 32), np.float32), population(60, 0), population(60, 9) + 3)
    line = judged("a", seen, 0.8, False)
    assert np.isnan(line["copies"]) and np.isnan(line["nearest_held_out"]) and "copies" not in line["beware"]


def test_the_nearest_training_image_of_each_is_named():
    real = population(10, 0)
    seen = {1: Seen(real, real[3:4] + 0.01, real[[7, 2]] + 0.01, real)}
    table = distances(["a", "b"], seen, {1: np.array([f"image{n}" for n in range(10)])})
    assert table["nearest"].tolist() == ["image7", "image2", "image3"] and table["class"].unique().tolist() == ["b"]
    assert table["kind"].tolist() == ["synthetic", "synthetic", "held out"] and (table["distance"] < 0.2).all()


def test_features_are_an_imagenet_networks():
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    assert judgement.features_of(images).shape == (3, 1280) and judgement.features_of(images[:0]).shape == (0, 1280)
    changed = judgement.augmented(images, "basic", 0)
    assert changed.dtype == np.uint8 and changed.shape == images.shape and not np.array_equal(changed, images)
