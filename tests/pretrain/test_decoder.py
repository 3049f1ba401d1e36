import keras
import numpy as np
import pytest
from keras import ops

from indomain.networks import architecture
from indomain.networks.options import Architecture
from pretrain.decoder import ExplainedVariance, Reconstruction, with_decoder
from pretrain.masked import Hidden


@pytest.mark.parametrize(
    ("name", "width", "shape"),
    [
        ("squeezenet", 1.0, (64, 64, 3)),
        ("dcnn-light", 0.125, (50, 38, 1)),
        ("mobilenetv2", 1.0, (64, 48, 3)),
        ("vgg16", 1.0, (40, 40, 3)),
    ],
)
def test_a_decoder_gives_an_image_of_the_same_shape(name, width, shape):
    backbone = architecture.backbone(Architecture(name, width, shape))
    network = with_decoder(backbone, 8)
    assert network.output_shape[1:] == shape and network.input_shape == backbone.input_shape


def test_a_decoder_stands_on_the_backbones_own_layers_as_one_flat_graph():
    backbone = architecture.backbone(Architecture("dcnn-light", 0.125, (24, 24, 1)))
    network = with_decoder(backbone, 8)
    assert network.get_layer("block2_bn") is backbone.get_layer("block2_bn")
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)


@pytest.fixture
def model():
    """A reconstruction by a network that gives back what it sees."""
    network = keras.Sequential([keras.layers.Input((8, 8, 1)), keras.layers.Identity()])
    return Reconstruction(network, "none", Hidden(0.5, 4), ops.absolute)


@pytest.mark.parametrize(("error", "loss"), [(0.0, 0.0), (0.5, 0.5)])
def test_only_the_pixels_that_count_have_a_loss(model, error, loss):
    clean = np.random.default_rng(0).random((2, 8, 8, 1)).astype("float32")
    counts = np.zeros((2, 8, 8, 1), "float32")
    counts[:, :4] = 1
    made = np.where(counts == 1, clean + error, 9.0).astype("float32")
    found = model.compute_loss(y_pred={"made": made, "clean": clean, "counts": counts})
    assert float(found) == pytest.approx(loss)
    if not error:
        assert float(model.explained_variance.result()) == 1


def test_a_batch_where_nothing_counts_has_no_loss(model):
    nothing = np.zeros((2, 8, 8, 1), "float32")
    assert float(model.compute_loss(y_pred={"made": nothing + 3, "clean": nothing, "counts": nothing})) == 0


def test_one_colour_per_image_explains_nothing(model):
    clean = np.random.default_rng(0).random((2, 8, 8, 1)).astype("float32")
    mean = np.broadcast_to(clean.mean(axis=(1, 2), keepdims=True), clean.shape)
    model.compute_loss(y_pred={"made": mean, "clean": clean, "counts": np.ones_like(clean)})
    assert float(model.explained_variance.result()) == pytest.approx(0, abs=1e-5)


def test_explained_variance_is_a_share_of_the_variance_over_an_epoch():
    metric = ExplainedVariance(name="explained_variance")
    for _ in range(2):
        metric.add(ops.convert_to_tensor([1.0, 1.0]), ops.convert_to_tensor([2.0, 2.0]))
    assert float(metric.result()) == pytest.approx(0.75)
    metric.reset_state()
    metric.add(ops.convert_to_tensor([2.0]), ops.convert_to_tensor([2.0]))
    assert float(metric.result()) == pytest.approx(0)
