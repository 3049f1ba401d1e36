"""What every backbone promises, asked of those that are cheap to build; see test_applications for the others."""

import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import architecture, backbones, weights
from indomain.networks.options import Architecture
from indomain.training.batches import Examples
from indomain.training.classifier import fit_classifier
from indomain.training.options import TrainingOptions
from indomain.training.trainer import Trainer
from tests.small import problem, same, values_of

CHEAP = ["dcnn", "dcnn-light", "squeezenet", "mobilenetv2", "ild-cnn", "conv-local"]
SIDE = 40
IMAGES = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 1), dtype=np.uint8)


def architecture_of(name: str, channels: int = 1) -> Architecture:
    return Architecture(name, 0.125 if name in backbones.WITH_WIDTH else 1.0, (SIDE, SIDE, channels))


@pytest.fixture(scope="module", params=CHEAP)
def backbone(request):
    """One of the cheap ones, for grey images, with the weights of seed 0."""
    model = architecture.backbone(architecture_of(request.param))
    weights.initialise(model, 0)
    return model


@pytest.fixture(scope="module")
def features(backbone):
    return backbone.predict_on_batch(IMAGES.astype(np.float32))


def fitted(name, frozen, folder):
    """The backbone before and after an epoch on images of two classes, layer by layer: name -> weights."""
    model = architecture.backbone(architecture_of(name), frozen)
    weights.initialise(model, 0)
    before = {layer.name: [np.array(weight) for weight in layer.weights] for layer in model.layers if layer.weights}
    small = problem(16)
    examples = Examples(
        lambda rows: small.images(rows).repeat(3, axis=1).repeat(3, axis=2)[:, :SIDE, :SIDE], small.table
    )
    options = TrainingOptions(epochs=1, batch=12, learning_rate=1e-2, select="last")
    fit_classifier(model, examples, 2, Trainer(options, 0, folder))
    return model, before


def test_it_gives_one_finite_vector_per_image(backbone, features):
    assert features.shape == (4, backbone.output_shape[-1]) and np.isfinite(features).all()


def test_it_tells_images_apart(features):
    assert np.abs(features[0] - features[1]).max() > 1e-6 * np.abs(features).max()


def test_it_is_one_flat_graph_with_a_pooling(backbone):
    assert not any(isinstance(layer, keras.Model) for layer in backbone.layers)
    assert len(backbone.get_layer(architecture.maps_layer(backbone)).output.shape) == 4


def test_its_saved_file_gives_the_same_features(backbone, features, tmp_path):
    weights.save(backbone, tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict_on_batch(IMAGES.astype(np.float32)), features, rtol=1e-4, atol=1e-6)


def test_its_seed_alone_decides_its_weights(backbone):
    expected = values_of(backbone)
    weights.initialise(backbone, 1)
    other = values_of(backbone)
    weights.initialise(backbone, 0)
    assert same(expected, values_of(backbone)) and not same(expected, other)


@pytest.mark.parametrize("name", CHEAP)
def test_frozen_it_does_not_move_nor_do_its_batch_norm_statistics(name, tmp_path):
    model, before = fitted(name, 1.0, tmp_path)
    moved = [layer for layer, values in before.items() if not same(values, values_of(model.get_layer(layer)))]
    assert not moved


def test_free_every_layer_of_it_learns(tmp_path):
    model, before = fitted("squeezenet", 0.0, tmp_path)
    still = [layer for layer, values in before.items() if same(values, values_of(model.get_layer(layer)))]
    assert not still


@pytest.mark.parametrize("name", ["squeezenet", "vgg16"])
def test_an_imagenet_network_sees_grey_as_three_equal_channels(name):
    grey = backbones.build(name, (SIDE, SIDE, 1))
    colour = backbones.build(name, (SIDE, SIDE, 3))
    weights.initialise(grey, 0)
    colour.set_weights(grey.get_weights())
    images = IMAGES.astype(np.float32)
    expected = colour.predict_on_batch(images.repeat(3, axis=-1))
    np.testing.assert_allclose(grey.predict_on_batch(images), expected, rtol=1e-4, atol=1e-6)


def test_every_backbone_has_a_size_of_its_own():
    assert set(backbones.OWN_SIZE) == set(backbones.BACKBONES)


@pytest.mark.parametrize(
    ("name", "shape", "width", "message"),
    [
        ("squeezenet", (64, 64, 4), 1.0, "1 or 3 channels, not 4"),
        ("squeezenet", (64, 64, 3), 0.5, "has no width; only dcnn and dcnn-light have one"),
        ("dcnn", (64, 64, 3), 0.0625, "too few filters; the least is 0.125"),
        ("xception", (64, 64, 3), 1.0, "at least 71×71, not 64×64"),
        ("squeezenet", (8, 8, 3), 1.0, "cannot be built for images of 8×8"),
        ("squeezenot", (64, 64, 3), 1.0, "unknown backbone 'squeezenot'. Did you mean 'squeezenet'. Known: .*xception"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(name, shape, width, message):
    with pytest.raises(RequestError, match=message):
        backbones.build(name, shape, width)


def test_of_a_backbone_without_imagenet_weights_those_that_have_them_are_named():
    with pytest.raises(
        RequestError,
        match="no ImageNet weights for 'dcnn-light', only for convnexttiny, .*efficientnet-lite0, .*xception",
    ):
        backbones.load_imagenet("dcnn-light", backbones.build("dcnn-light", (32, 32, 3), 0.125))
