import numpy as np
import pandas as pd
import pytest

from finetune import full, off_the_shelf, on_features
from finetune.plan import Options
from indomain.artifacts.features import read_features
from indomain.networks import architecture, features, inference, weights
from indomain.training.batches import Examples
from indomain.training.trainer import Trainer
from tests.small import SMALL, problem

OPTIONS = Options(epochs=6, batch=8, learning_rate=1e-2, frozen=1.0, augment="none", head_lr_factor=10.0)
STRATEGIES = {"full": full.fit, "off-the-shelf": off_the_shelf.fit}
IMAGES = problem()
HELD_OUT = IMAGES.table[IMAGES.table["split"] == "val"].reset_index(drop=True)


def drawn_backbone():
    backbone = architecture.backbone(SMALL, 1.0)
    weights.initialise(backbone, 0)
    return backbone


@pytest.fixture(scope="module", params=STRATEGIES)
def both(request, tmp_path_factory):
    """A strategy's scores of the images held out, its network's and its log, on images and on stored features."""
    on_images, on_stored = tmp_path_factory.mktemp("images"), tmp_path_factory.mktemp("features")
    backbone = drawn_backbone()
    network, facts = STRATEGIES[request.param](backbone, IMAGES, 2, Trainer(OPTIONS, 0, on_images))
    expected = inference.predict(architecture.with_scores(network), IMAGES.images, HELD_OUT["row"].to_numpy())

    features.extract(on_stored, backbone, IMAGES.images, IMAGES.table["row"].to_numpy())
    stored = Examples(read_features(on_stored), IMAGES.table)
    params = {"strategy": request.param, "classes": ["a", "b"]}
    model, scores, same_facts = on_features.fit(
        drawn_backbone(), stored, HELD_OUT, params, Trainer(OPTIONS, 0, on_stored)
    )
    return expected, scores, model, (facts, same_facts), (on_images, on_stored)


def test_a_head_on_stored_features_scores_as_training_on_images_would_have(both):
    # The same numbers in another order of summation: they differ in the last digits of a float32, if at all.
    expected, scores, *_ = both
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-5)


def test_the_network_that_comes_out_scores_images_alike(both):
    expected, _, model, *_ = both
    found = inference.predict(model, IMAGES.images, HELD_OUT["row"].to_numpy())
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_network_that_comes_out_goes_from_image_to_scores(both):
    model = both[2]
    assert model.input_shape == (None, 16, 16, 1) and model.layers[-1].name == "scores"


def test_both_ways_learn_from_the_same_images_and_keep_the_same_epoch(both):
    first, second = ({k: v for k, v in facts.items() if k != "images_per_second"} for facts in both[3])
    assert first == second and first["images"] == 36


@pytest.mark.parametrize("both", ["full"], indirect=True)
def test_both_ways_have_the_same_losses(both):
    on_images, on_stored = (pd.read_csv(folder / "log.csv") for folder in both[4])
    for column in ("loss", "val_loss"):
        np.testing.assert_allclose(on_stored[column], on_images[column], rtol=1e-4)
