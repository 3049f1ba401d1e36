import zipfile

import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import architecture, backbones, weights
from indomain.networks.options import Architecture
from tests.small import SMALL, same, values_of

LARGER = Architecture("dcnn-light", 0.25, (16, 16, 1))
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1)).astype(np.float32)


@pytest.fixture
def backbone():
    return architecture.backbone(SMALL)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved backbone of seed 7, and its weights."""
    model = architecture.backbone(SMALL)
    weights.initialise(model, 7)
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    weights.save(model, path)
    return path, values_of(model)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(backbone):
    drawn = []
    for seed in (1, 2, 1):
        weights.initialise(backbone, seed)
        drawn.append(values_of(backbone))
    assert same(drawn[0], drawn[2]) and not same(drawn[0], drawn[1])


def test_a_backbones_weights_are_its_seeds_whatever_stands_on_it(backbone):
    weights.initialise(backbone, 1)
    alone = values_of(backbone)
    weights.initialise(architecture.with_head(backbone, 2, 0.5), 1)
    assert same(alone, values_of(backbone))


def test_layers_of_one_shape_get_different_weights(backbone):
    weights.initialise(backbone, 0)
    kernels = [np.array(layer.kernel) for layer in backbone.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len({kernel.shape for kernel in kernels}) < len(kernels)
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels)


def test_constants_of_the_input_scaling_are_not_drawn():
    inputs = keras.layers.Input((4, 4, 1))
    model = keras.Model(inputs, keras.layers.Normalization(mean=[3.0], variance=[4.0])(inputs))
    before = model.predict_on_batch(IMAGES[:, :4, :4])
    weights.initialise(model, 0)
    assert np.array_equal(model.predict_on_batch(IMAGES[:, :4, :4]), before)


def test_a_chain_from_random_begins_with_its_seeds_weights(backbone):
    weights.start(backbone, SMALL, "random", 3)
    first = values_of(backbone)
    weights.initialise(backbone, 3)
    assert same(first, values_of(backbone))


def test_a_later_step_begins_with_what_the_step_before_left(backbone, saved):
    path, expected = saved
    weights.start(backbone, SMALL, "random", 0, previous=path)
    assert same(values_of(backbone), expected)


def test_a_chain_can_begin_with_a_file(backbone, saved):
    path, expected = saved
    weights.start(backbone, SMALL, str(path), 0)
    assert same(values_of(backbone), expected)


def test_a_missing_file_is_named(backbone):
    with pytest.raises(RequestError, match="nowhere.keras, but there is no such file"):
        weights.start(backbone, SMALL, "nowhere.keras", 0)


def test_a_file_that_is_no_network_is_refused(backbone, tmp_path):
    (tmp_path / "text.keras").write_text("no archive")
    with pytest.raises(RequestError, match=r"text\.keras is not a \.keras file"):
        weights.start(backbone, SMALL, str(tmp_path / "text.keras"), 0)
    with zipfile.ZipFile(tmp_path / "empty.keras", "w") as archive:
        archive.writestr("other.json", "{}")
    with pytest.raises(RequestError, match=r"empty\.keras is not a \.keras file"):
        weights.start(backbone, SMALL, str(tmp_path / "empty.keras"), 0)


def test_a_network_for_other_images_is_refused_with_both_shapes(saved):
    other = Architecture("dcnn-light", 0.125, (24, 24, 1))
    with pytest.raises(RequestError, match=r"\(16, 16, 1\), but those of the recipe have shape \(24, 24, 1\)"):
        weights.start(architecture.backbone(other), other, str(saved[0]), 0)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_a_file_of_another_network_is_refused(saved):
    with pytest.raises(RequestError, match="does not fit backbone"):
        weights.start(architecture.backbone(LARGER), LARGER, str(saved[0]), 0)


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_starts_are_tried_before_any_work(saved, tmp_path):
    weights.check_starts([(SMALL, "random", ""), (SMALL, "sha256:0", str(saved[0]))])
    with pytest.raises(RequestError, match="no ImageNet weights for 'dcnn-light'"):
        weights.check_starts([(SMALL, "random", ""), (SMALL, "imagenet", "")])
    with pytest.raises(RequestError, match="does not fit backbone"):
        weights.check_starts([(LARGER, "sha256:0", str(saved[0]))])


def test_images_too_small_for_a_network_are_refused_even_from_random():
    with pytest.raises(RequestError, match="at least 71×71"):
        weights.check_starts([(Architecture("xception", 1.0, (64, 64, 3)), "random", "")])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A saved network with scores, its file, and its scores of IMAGES."""
    model = architecture.with_scores(architecture.with_head(architecture.backbone(SMALL), 2, 0.5))
    weights.initialise(model, 0)
    path = tmp_path_factory.mktemp("source_image") / "model.keras"
    weights.save(model, path)
    return path, model.predict_on_batch(IMAGES)


def test_a_saved_network_needs_no_other_preprocessing(whole):
    # Plain Keras reads it, and it takes 0–255.
    path, expected = whole
    loaded = keras.saving.load_model(path)
    np.testing.assert_allclose(loaded.predict_on_batch(IMAGES), expected, rtol=1e-5)


def test_a_saved_network_is_flat(whole):
    loaded = keras.saving.load_model(whole[0])
    assert not any(isinstance(layer, keras.Model) for layer in loaded.layers)


def test_a_file_read_for_inference_gives_the_same_scores(whole):
    path, expected = whole
    np.testing.assert_allclose(weights.load(path).predict_on_batch(IMAGES), expected, rtol=1e-5)


def test_files_of_one_architecture_share_one_network(whole, tmp_path):
    path, expected = whole
    model = architecture.with_scores(architecture.with_head(architecture.backbone(SMALL), 2, 0.5))
    weights.initialise(model, 1)
    weights.save(model, tmp_path / "other.keras")
    first = weights.load(path)
    second = weights.load(tmp_path / "other.keras")
    assert second is first
    assert not np.allclose(second.predict_on_batch(IMAGES), expected)
    np.testing.assert_allclose(weights.load(path).predict_on_batch(IMAGES), expected, rtol=1e-5)


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    model = architecture.backbone(SMALL)

    def half(path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(model, "save", half)
    with pytest.raises(OSError, match="no space"):
        weights.save(model, tmp_path / "model.keras")
    assert not list(tmp_path.iterdir())


def test_a_network_of_another_package_is_refused_because_its_scaling_is_not_known(tmp_path):
    theirs = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    theirs.save(tmp_path / "theirs.keras")
    spec = Architecture("mobilenetv2", 1.0, (32, 32, 3))
    with pytest.raises(RequestError, match=r"theirs.keras was not written by this package.*weights:PATH.toml"):
        weights.start(architecture.backbone(spec), spec, str(tmp_path / "theirs.keras"), 0)


def test_a_bare_h5_is_refused(backbone, saved, tmp_path):
    (tmp_path / "w.h5").write_bytes(b"")
    with pytest.raises(RequestError, match=r"w.h5 is not a .keras file"):
        weights.start(backbone, SMALL, str(tmp_path / "w.h5"), 0)


@pytest.mark.parametrize("name", ["squeezenet", "densenet121", "efficientnetb0", "convnexttiny", "vgg16"])
def test_a_chain_can_begin_with_what_this_package_has_saved_whatever_else_was_built(tmp_path, name):
    spec = Architecture(name, 1.0, (32, 32, 3))
    model = backbones.build(name, spec.shape)
    weights.initialise(model, 1)
    weights.save(model, tmp_path / "mine.keras")
    # Keras numbers layers without a name by what the process has built before.
    backbones.build(name, spec.shape)
    other = backbones.build(name, spec.shape)
    weights.start(other, spec, str(tmp_path / "mine.keras"), 2)
    assert same(values_of(other), values_of(model))
