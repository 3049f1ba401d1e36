import numpy as np
import pytest
from skimage.filters import threshold_otsu

from indomain.training.model import TrainingModel
from pretrain import segmentation
from pretrain.segmentation import otsu
from tests.pretrain.source import COUNT, images, learn, source, step_of
from tests.small import same


def with_masks(folder, masks):
    split = source(folder)
    np.save(folder / "masks.npy", masks)
    return split


def discs():
    """The discs of the small source, as a threshold on their brightness finds them."""
    return np.where(images()[..., 0] > 150, 255, 0).astype(np.uint8)


def test_the_threshold_is_otsus_of_each_image_alone():
    seen = images()[:3]
    for image, mask in zip(seen, otsu(seen)):
        expected = image[..., 0] > threshold_otsu(image[..., 0].astype(float))
        assert (mask[..., 0] == 255 * expected).all() and 0 < expected.mean() < 1


def test_an_image_of_one_value_has_no_object():
    assert not otsu(np.full((1, 8, 8, 3), 77, np.uint8)).any()


def test_the_masks_of_a_set_are_the_truth_where_it_has_some(tmp_path):
    own, facts, _ = learn("segmentation", tmp_path / "own", with_masks(tmp_path / "a", discs()))
    other, _, _ = learn("segmentation", tmp_path / "other", with_masks(tmp_path / "b", discs()[::-1]))
    without, plain, _ = learn("segmentation", tmp_path / "without")
    assert (facts["masks"], plain["masks"]) == ("of the set", "Otsu's threshold")
    assert not same(own, other) and not same(own, without)


def test_masks_that_mean_nothing_are_learnt_worse_than_the_objects(tmp_path):
    rng = np.random.default_rng(0)
    noise = np.where(rng.random((COUNT, 24, 24)) < 0.3, 255, 0).astype(np.uint8)
    dice = {
        name: learn("segmentation", tmp_path / name, with_masks(tmp_path / f"{name}-source", masks))[2]["dice"].iloc[-1]
        for name, masks in (("objects", discs()), ("noise", noise))
    }
    assert dice["objects"] > dice["noise"] + 0.2, dice


@pytest.mark.parametrize("augment", ["basic", "elastic"])
def test_image_and_mask_are_moved_together(augment, tmp_path, monkeypatch):
    """Where the image is its own mask, the moved image still is."""
    built = []
    monkeypatch.setattr(segmentation, "compiled", lambda model, options: built.append(model) or model)
    monkeypatch.setattr(segmentation.unlabelled, "learn", lambda step, name, make, seen: make() and {})
    segmentation.pretrain(step_of("segmentation", tmp_path, augment=augment))
    (model,) = built
    assert isinstance(model, TrainingModel) and model.fed_shape == (24, 24, 2)
    shapes = np.where(discs() > 0, 255, 0)[:8, ..., None].repeat(2, axis=-1).astype(np.float32)
    moved = np.asarray(model.augmented(shapes, training=True))
    assert np.abs(moved - shapes).max() > 100
    assert ((moved[..., 0] > 127.5) == (moved[..., 1] > 127.5)).mean() > 0.99


def test_dice_counts_what_both_have_twice():
    dice = segmentation.Dice()
    dice.add(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0]))
    assert float(dice.result()) == 0.5
    dice.add(np.array([1.0]), np.array([1.0]))
    assert float(dice.result()) == pytest.approx(4 / 6)
