import keras
import numpy as np
import pytest

from indomain.artifacts.features import read_features
from indomain.errors import Diverged, RequestError
from indomain.networks import architecture, features, inference, weights
from tests.small import SMALL, same, values_of

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def backbone():
    model = architecture.backbone(SMALL)
    weights.initialise(model, 0)
    return model


@pytest.fixture(scope="module")
def network(backbone):
    return architecture.with_scores(architecture.with_head(backbone, 2, 0.5))


def test_extracted_features_are_those_of_the_network(tmp_path, backbone):
    facts = features.extract(tmp_path, backbone, lambda rows: IMAGES[rows], np.array([5, 2, 5, 8]))
    expected = inference.predict(backbone, lambda rows: IMAGES[rows], np.array([8, 2]))
    np.testing.assert_allclose(read_features(tmp_path)(np.array([8, 2])), expected, atol=1e-6)
    assert facts == {"images": 3, "features": 25}


def test_features_that_are_not_finite_are_a_divergence(tmp_path, backbone):
    class Broken:
        def predict_on_batch(self, batch):
            return np.full((len(batch), 4), np.nan, np.float32)

    with pytest.raises(Diverged, match="features are not finite"):
        features.extract(tmp_path, Broken(), lambda rows: IMAGES[rows], np.arange(3))
    assert not list(tmp_path.iterdir())


def test_by_default_features_are_what_the_head_sees(backbone, network):
    part, layer = features.extractor(network, "", ["mean"])
    assert layer == "fc1"
    np.testing.assert_allclose(part.predict_on_batch(IMAGES), backbone.predict_on_batch(IMAGES), rtol=1e-5, atol=1e-5)


def test_other_poolings_are_of_the_maps_that_enter_the_pooling(network):
    part, layer = features.extractor(network, "", ["mean", "max", "std"])
    assert layer == architecture.maps_layer(network)
    maps = architecture.up_to(network, layer).predict_on_batch(IMAGES)
    expected = np.concatenate([maps.mean(axis=(1, 2)), maps.max(axis=(1, 2)), maps.std(axis=(1, 2))], axis=1)
    np.testing.assert_allclose(part.predict_on_batch(IMAGES), expected, rtol=1e-4, atol=1e-4)


def test_maps_of_a_layer_named_are_pooled(network):
    part, layer = features.extractor(network, "stem1_relu", ["max"])
    maps = architecture.up_to(network, "stem1_relu").predict_on_batch(IMAGES)
    assert layer == "stem1_relu"
    np.testing.assert_allclose(part.predict_on_batch(IMAGES), maps.max(axis=(1, 2)), rtol=1e-5)


def test_an_unknown_layer_is_refused(network):
    with pytest.raises(RequestError, match="unknown layer 'block7'"):
        features.extractor(network, "block7", ["mean"])


def test_a_stand_in_gives_features_back(backbone):
    given = np.random.default_rng(0).normal(size=(3, 25)).astype(np.float32)
    assert np.array_equal(features.stand_in(backbone.name, backbone.output_shape[1]).predict_on_batch(given), given)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_grafted_head_answers_on_images_as_it_does_on_features(backbone, dropout):
    head = architecture.with_head(features.stand_in(backbone.name, backbone.output_shape[1]), 2, dropout)
    weights.initialise(head, 3)
    grafted = features.graft(backbone, head)
    expected = head.predict_on_batch(backbone.predict_on_batch(IMAGES))
    np.testing.assert_allclose(grafted.predict_on_batch(IMAGES), expected, rtol=1e-4, atol=1e-5)


def test_grafting_leaves_the_backbone_as_it_is(backbone):
    before = values_of(backbone)
    head = architecture.with_head(features.stand_in(backbone.name, backbone.output_shape[1]), 2, 0.5)
    weights.initialise(head, 4)
    features.graft(backbone, head)
    assert same(before, values_of(backbone))


def test_whatever_is_made_of_a_network_is_one_flat_graph(backbone, network):
    # Gradients with respect to a layer inside a nested model (Grad-CAM's) cannot be taken.
    head = architecture.with_head(features.stand_in(backbone.name, backbone.output_shape[1]), 2, 0.5)
    made = [network, features.graft(backbone, head), features.extractor(network, "", ["max", "std"])[0]]
    assert not [layer for model in made for layer in model.layers if isinstance(layer, keras.Model)]
