import importlib

import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import architecture, backbones, weights
from indomain.networks.backbones import applications

SIDE = 80  # the least that all of them take is 75
IMAGES = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3)).astype(np.float32)
# Where Keras keeps a family's `preprocess_input`; EfficientNet's does nothing.
MODULES = {
    "densenet121": "densenet",
    "densenet201": "densenet",
    "inceptionresnetv2": "inception_resnet_v2",
    "inceptionv3": "inception_v3",
    "mobilenetv2": "mobilenet_v2",
    "resnet50": "resnet50",
    "vgg16": "vgg16",
    "vgg19": "vgg19",
    "xception": "xception",
}
SCALINGS = ("subtract_mean", "centre", "standardise")


@pytest.fixture(scope="module", params=applications.FAMILIES)
def built(request):
    """The name of a family, and its network for colour images."""
    return request.param, backbones.build(request.param, (SIDE, SIDE, 3))


def test_every_family_is_a_backbone_with_imagenet_weights():
    assert set(applications.FAMILIES) == {
        name for name, function in backbones.IMAGENET.items() if "applications" in function
    }


def test_it_is_one_flat_graph_with_a_pooling(built):
    _, model = built
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert len(model.output_shape) == 2
    assert len(model.get_layer(architecture.maps_layer(model)).output.shape) == 4


def test_the_initialiser_of_every_weight_is_known(built):
    _, model = built
    weights.initialise(model, 0)
    assert all(np.isfinite(np.array(weight)).all() for weight in model.weights)


def test_the_scaling_inside_is_the_one_that_keras_asks_for(built):
    name, model = built
    layer = next(layer.name for layer in model.layers if layer.name in SCALINGS)
    given = architecture.up_to(model, layer).predict_on_batch(IMAGES)
    if name == "efficientnetb0":
        # Its own scaling stands in the network; see the test below.
        mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
        expected = 255 * (IMAGES / 255 - mean) / deviation
    elif name in ("convnexttiny", "efficientnetv2s"):
        # Keras scales them inside of the network, too.
        plain = getattr(keras.applications, applications.FAMILIES[name][0])(weights=None, input_shape=(32, 32, 3))
        expected = np.array(plain.layers[1](IMAGES))
    else:
        module = importlib.import_module(f"keras.applications.{MODULES[name]}")
        expected = module.preprocess_input(IMAGES.copy())
    np.testing.assert_allclose(given, expected, rtol=1e-4, atol=1e-3)


def test_efficientnet_standardises_as_its_imagenet_graph_does():
    model = backbones.build("efficientnetb0", (32, 32, 3))
    images = IMAGES[:, :32, :32]
    normal = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    given = architecture.up_to(model, normal.name).predict_on_batch(images)
    # Keras: normalised by √deviation (kept as a variance), then divided by √deviation once more.
    np.testing.assert_allclose(given, (images / 255 - mean) / deviation, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "family"), [("mobilenetv2", "MobileNetV2"), ("vgg16", "VGG16"), ("convnexttiny", "ConvNeXtTiny")]
)
def test_with_its_imagenet_weights_it_answers_as_keras_own_network(name, family, monkeypatch):
    # Weights by chance in the place of the download.
    plain = getattr(keras.applications, family)(include_top=False, weights=None, input_shape=(48, 48, 3), pooling="avg")
    model = backbones.build(name, (48, 48, 3))
    monkeypatch.setattr(keras.applications, family, lambda include_top, weights, input_shape: plain)
    applications.load_imagenet(name, model)
    # ConvNeXt scales the images itself.
    scaled = importlib.import_module(f"keras.applications.{MODULES.get(name, 'convnext')}").preprocess_input
    images = IMAGES[:, :48, :48]
    expected = plain(scaled(images.copy()))
    np.testing.assert_allclose(model(images), expected, rtol=1e-4, atol=1e-5)


def test_weights_that_cannot_be_downloaded_are_named_with_their_place(monkeypatch):
    address = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_notop.h5"

    def without_a_network(**given):
        raise Exception(f"URL fetch failure on {address}: None -- [Errno -3] Temporary failure in name resolution")

    monkeypatch.setattr(keras.applications, "VGG16", without_a_network)
    with pytest.raises(RequestError, match=f"'vgg16' cannot be had: .*\n  Put {address} into .*models, or start"):
        applications.load_imagenet("vgg16", keras.Model())


def test_images_smaller_than_a_family_takes_are_refused():
    with pytest.raises(RequestError, match="'inceptionv3' needs images of at least 75×75, not 74×80"):
        backbones.build("inceptionv3", (74, 80, 3))


def test_the_size_that_counts_is_the_one_after_resizing():
    with pytest.raises(RequestError, match="at least 71×71"):
        backbones.build("xception", (96, 96, 3), size=64)
