import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import architecture, weights
from tests.small import SMALL


@pytest.fixture(scope="module")
def base():
    return architecture.backbone(SMALL)


def test_the_same_backbone_is_built_once(base):
    assert architecture.backbone(SMALL) is base


def test_a_frozen_share_counts_weighted_layers_from_the_input():
    half = architecture.backbone(SMALL, 0.5)
    weighted = [layer for layer in half.layers if layer.weights]
    frozen = [layer for layer in weighted if not layer.trainable]
    assert frozen == weighted[: round(0.5 * len(weighted))]
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in frozen)


def test_freezing_makes_another_network_and_leaves_the_first_one_free(base):
    # Changing `trainable` after a model was compiled and fitted would do nothing.
    frozen = architecture.backbone(SMALL, 1.0)
    assert frozen is not base
    assert not frozen.trainable_weights
    assert len(base.trainable_weights) > 0


def test_a_head_is_a_linear_layer_on_the_same_graph(base):
    network = architecture.with_head(base, 3, 0.5)
    assert network.output_shape == (None, 3)
    assert network.get_layer("logits").activation is keras.activations.linear
    assert network.get_layer("fc1") is base.get_layer("fc1")
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)


def test_without_dropout_there_is_no_dropout_layer(base):
    names = [layer.name for layer in architecture.with_head(base, 3, 0.0).layers]
    assert names[-2:] == ["fc1", "logits"]


def test_each_user_gets_a_head_of_its_own(base):
    heads = [architecture.with_head(base, 3, 0.5, (user,)).get_layer("logits") for user in ("a", "b", "a")]
    assert heads[0] is heads[2] and heads[0] is not heads[1]


def test_scores_are_the_softmax_of_the_logits(base):
    network = architecture.with_head(base, 3, 0.0)
    weights.initialise(network, 0)
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1)).astype(np.float32)
    raised = np.exp(network.predict_on_batch(images))
    scores = architecture.with_scores(network).predict_on_batch(images)
    np.testing.assert_allclose(scores, raised / raised.sum(axis=1, keepdims=True), rtol=1e-5)


def test_logits_and_scores_have_all_digits_whatever_the_precision():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        inputs = keras.layers.Input((4,))
        base = keras.Model(inputs, keras.layers.Dense(5)(inputs))
        model = architecture.with_scores(architecture.with_head(base, 2, 0.5))
    finally:
        keras.config.set_dtype_policy(policy)
    assert base.layers[-1].compute_dtype == "bfloat16"
    assert model.get_layer("logits").compute_dtype == "float32" and model.output.dtype == "float32"


def test_a_part_of_a_network_ends_at_the_layer_named(base):
    part = architecture.up_to(base, "stem2_relu")
    assert part.layers[-1].name == "stem2_relu" and part.input_shape == base.input_shape


def test_an_unknown_layer_is_refused_with_those_there_are(base):
    with pytest.raises(RequestError, match=r"unknown layer 'stem3_relu'. Did you mean 'stem\d_relu'\? Known: .*pool"):
        architecture.up_to(base, "stem3_relu")


def test_maps_are_what_enters_the_pooling(base):
    assert architecture.maps_layer(base) == "block2_bn"


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_last_features_are_what_the_head_sees(base, dropout):
    network = architecture.with_head(base, 2, dropout)
    assert architecture.last_features(network) == "fc1"
    assert architecture.last_features(architecture.with_scores(network)) == "fc1"
