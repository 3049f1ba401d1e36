import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import architecture, backbones, weights
from indomain.networks.backbones import squeezenet


def test_dcnn_is_the_papers_network():
    model = backbones.build("dcnn", (224, 224, 3))
    network = architecture.with_head(model, 4, 0.5)
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == 73_591_380
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) == 32
    blocks = [model.get_layer(f"block{number}_bn").output.shape for number in range(1, 7)]
    assert [shape[1] for shape in blocks] == [112, 56, 56, 28, 28, 14]
    assert [shape[-1] for shape in blocks] == [160, 256, 512, 544, 1600, 1664]
    assert model.get_layer("stem2_relu").output.shape[1:] == (112, 112, 32)
    assert model.output_shape == (None, 1200)


def test_dcnn_takes_the_papers_rectangular_pictures_and_a_width():
    assert backbones.build("dcnn", (500, 375, 3), 0.125).get_layer("block6_bn").output.shape[1:] == (32, 24, 208)
    light = backbones.build("dcnn-light", (224, 224, 3))
    assert light.get_layer("block2_bn").output.shape[1:] == (56, 56, 288) and light.output_shape == (None, 200)


@pytest.mark.parametrize("name", list(backbones.BACKBONES))
def test_backbones_are_flat_and_take_grey_0_to_255(name):
    size = 80
    model = backbones.build(name, (size, size, 1), 0.125 if name in backbones.WITH_WIDTH else 1.0)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert len(model.output_shape) == 2 and model.get_layer("pool")
    from indomain.networks.architecture import maps_layer

    assert len(model.get_layer(maps_layer(model)).output.shape) == 4
    weights.initialise(model, 0)


@pytest.mark.parametrize(
    ("name", "module"),
    [("resnet50", "resnet50"), ("densenet121", "densenet"), ("mobilenetv2", "mobilenet_v2"), ("vgg16", "vgg16")],
)
def test_the_scaling_inside_is_the_one_that_keras_asks_for(name, module):
    model = backbones.build(name, (48, 48, 3))
    family = {"resnet50": "ResNet50", "densenet121": "DenseNet121", "mobilenetv2": "MobileNetV2", "vgg16": "VGG16"}[
        name
    ]
    plain = getattr(keras.applications, family)(include_top=False, weights=None, input_shape=(48, 48, 3), pooling="avg")
    for layer in plain.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3)).astype("float32")
    preprocess = getattr(keras.applications, module).preprocess_input
    expected = plain(preprocess(pictures.copy()))
    assert np.allclose(model(pictures), expected, rtol=1e-4, atol=1e-5)


def test_efficientnet_standardises_as_its_imagenet_graph_does():
    model = backbones.build("efficientnetb0", (32, 32, 3))
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("float32")
    normal = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    given = architecture.up_to(model, normal.name).predict_on_batch(pictures)
    # Keras: normalised by √deviation (kept as a variance), then divided by √deviation once more.
    assert np.allclose(given, (pictures / 255 - mean) / deviation, atol=1e-4)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    spec = {"name": "dcnn-light", "shape": [32, 32, 1], "width": 0.125}
    model = architecture.backbone(spec)
    weights = []
    for seed in (1, 2, 1):
        weights.initialise(model, seed)
        weights.append([np.array(weight) for weight in model.weights])
    assert all(np.array_equal(a, b) for a, b in zip(weights[0], weights[2]))
    assert not all(np.array_equal(a, b) for a, b in zip(weights[0], weights[1]))


def test_small_pictures_and_odd_channels_are_refused():
    with pytest.raises(RequestError, match="at least 71×71"):
        backbones.build("xception", (64, 64, 3))
    with pytest.raises(RequestError, match="1 or 3 channels"):
        backbones.build("squeezenet", (64, 64, 4))
    with pytest.raises(RequestError, match="has no width"):
        backbones.build("squeezenet", (64, 64, 3), 0.5)
    with pytest.raises(RequestError, match="too few filters; the least is 0.125"):
        backbones.build("dcnn", (64, 64, 3), 0.0625)
    with pytest.raises(RequestError, match="no ImageNet weights for 'dcnn'"):
        backbones.load_imagenet("dcnn", backbones.build("dcnn", (32, 32, 3), 0.125))


def test_weights_of_another_file_are_not_unpickled(tmp_path):
    import pickle

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "opened"), "w"))

    (tmp_path / "weights.pkl").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(RequestError, match="it was not opened"):
        squeezenet.read_weights(tmp_path / "weights.pkl")
    assert not (tmp_path / "opened").exists()


def test_squeezenet_sees_a_cat():
    from PIL import Image
    from skimage.data import chelsea

    model = squeezenet.squeezenet_1000((227, 227, 3))
    squeezenet.load_imagenet("squeezenet", model)
    picture = np.asarray(Image.fromarray(chelsea()).resize((227, 227), Image.Resampling.BICUBIC), np.float32)
    # ImageNet's classes 281 to 285 are the domestic cats.
    assert int(np.argmax(model.predict_on_batch(picture[None]))) in range(281, 286)


@pytest.mark.real
def test_squeezenet_names_imagenette(data_dir):
    from PIL import Image

    with np.load(data_dir / "imagenette.npz") as archive:
        pictures = np.concatenate([archive["train_images"], archive["val_images"]])
        y = np.concatenate([archive["train_labels"], archive["val_labels"]])
    large = [np.asarray(Image.fromarray(p).resize((227, 227), Image.Resampling.BICUBIC), np.float32) for p in pictures]
    model = squeezenet.squeezenet_1000((227, 227, 3))
    squeezenet.load_imagenet("squeezenet", model)
    classes = [0, 217, 482, 491, 497, 566, 569, 571, 574, 701]
    batches = [np.stack(large[start : start + 100]) for start in range(0, len(large), 100)]
    right = np.concatenate([model.predict_on_batch(batch) for batch in batches])[:, classes].argmax(axis=1) == y
    assert right.mean() >= 0.75
    swapped = (
        np.concatenate([model.predict_on_batch(batch[..., ::-1]) for batch in batches])[:, classes].argmax(axis=1) == y
    )
    assert swapped.mean() < right.mean() - 0.05


@pytest.mark.parametrize("name", ["squeezenet", "mobilenetv2", "dcnn-light"])
def test_a_network_resizes_to_its_own_size_and_stays_flat(name):
    model = backbones.build(name, (48, 64, 1), 0.125 if name in backbones.WITH_WIDTH else 1.0, 96)
    assert model.input_shape == (None, 48, 64, 1) and not any(isinstance(layer, keras.Model) for layer in model.layers)
    plain = backbones.build(name, (96, 96, 1), 0.125 if name in backbones.WITH_WIDTH else 1.0)
    weights.initialise(model, 0)
    weights.initialise(plain, 0)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 1)).astype(np.float32)
    resized = keras.ops.image.resize(pictures, (96, 96), antialias=True)
    np.testing.assert_allclose(model.predict_on_batch(pictures), plain.predict_on_batch(np.asarray(resized)), atol=1e-4)


def test_sizes_in_a_recipe():
    from indomain.networks.options import BackboneOptions

    own = BackboneOptions(name="xception", size="own")
    assert (own.side, own.label) == (299, "xception")
    assert BackboneOptions(name="squeezenet", size=96).label == "squeezenet-96px"
    assert set(backbones.OWN_SIZE) == set(backbones.BACKBONES)
