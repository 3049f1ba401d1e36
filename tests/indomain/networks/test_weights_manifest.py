import hashlib

import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import architecture, weights, weights_manifest
from indomain.networks.options import Architecture
from indomain.networks.weights_manifest import Convention, WeightsManifest
from indomain.toml import validated

MINE = 'title = "Mine"\nfile = "mine.h5"\narchitecture = "mobilenetv2"\ntrained_on = "unknown"\n'
INPUT = '[input]\nscaling = "unit"\n'
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)


@pytest.fixture
def manifest(tmp_path):
    """Writes a manifest of one's own."""

    def write(text=MINE + INPUT):
        (tmp_path / "mine.toml").write_text(text)
        return "weights:mine.toml"

    return write


def test_every_shipped_manifest_is_valid_and_says_where_its_file_is():
    assert len([name for name in weights_manifest.names() if name.startswith("radimagenet-")]) == 4
    for name in weights_manifest.names():
        reference = f"weights:{name}"
        try:
            chosen = weights_manifest.load(reference)
        except RequestError as error:
            assert "disagrees" in str(error)
            chosen = weights_manifest.load(f"{reference}:training-code")
        assert chosen.manifest.get and chosen.manifest.trained_on


def test_where_publications_disagree_the_chain_has_to_choose():
    with pytest.raises(RequestError) as raised:
        weights_manifest.load("weights:radimagenet-resnet50")
    for name in ("training-code", "pytorch-demo", "hugging-face"):
        assert f"weights:radimagenet-resnet50:{name}" in str(raised.value)
    chosen = weights_manifest.load("weights:radimagenet-resnet50:pytorch-demo")
    assert chosen.convention.as_scaling.order == "bgr" and chosen.name == "radimagenet-resnet50:pytorch-demo"


def applied(convention: Convention, pixels: np.ndarray) -> np.ndarray:
    scaling = convention.as_scaling
    ordered = pixels[..., ::-1] if scaling.order == "bgr" else pixels
    return (ordered - np.array(scaling.mean)) / np.array(scaling.deviation)


def test_radimagenets_training_code_scales_as_its_generator_does():
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    function = keras.applications.imagenet_utils.preprocess_input
    generator = ImageDataGenerator(rescale=1.0 / 255, preprocessing_function=function)
    expected = np.stack([generator.standardize(image.copy()) for image in PIXELS])
    convention = weights_manifest.load("weights:radimagenet-resnet50:training-code").convention
    assert np.allclose(applied(convention, PIXELS), expected, atol=1e-5)


@pytest.mark.parametrize("file", ["mine.h5", "mine.keras"])
def test_another_packages_network_sees_images_as_it_expects_them(tmp_path, manifest, file):
    theirs = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    rng = np.random.default_rng(1)
    for layer in theirs.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            # As large as it takes for something to arrive at the end.
            shape = layer.kernel.shape
            inputs = np.prod(shape[:2]) * (1 if isinstance(layer, keras.layers.DepthwiseConv2D) else shape[2])
            layer.kernel.assign(rng.normal(0, np.sqrt(2 / inputs), shape))
    theirs.save(tmp_path / file)
    chosen = weights_manifest.load(manifest((MINE + INPUT).replace("mine.h5", file)), tmp_path)
    spec = Architecture("mobilenetv2", 1.0, (32, 32, 3), None, chosen.convention.as_scaling)
    ours = architecture.backbone(spec)
    weights.start(ours, spec, str(chosen.path(tmp_path)), 0)
    expected = theirs.predict_on_batch(PIXELS / 255)
    assert np.allclose(ours.predict_on_batch(PIXELS), expected, rtol=1e-4, atol=1e-5)
    as_if_for_imagenet = theirs.predict_on_batch(PIXELS / 127.5 - 1)
    assert np.abs(as_if_for_imagenet - expected).mean() > 0.1 * expected.std() > 1e-4


def test_a_file_of_another_architecture_is_refused(tmp_path, manifest):
    keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3)).save(tmp_path / "mine.h5")
    chosen = weights_manifest.load(manifest(), tmp_path)
    spec = Architecture("mobilenetv2", 1.0, (32, 32, 3), None, chosen.convention.as_scaling)
    with pytest.raises(RequestError, match="mine.h5 does not fit backbone 'mobilenetv2'"):
        weights.start(architecture.backbone(spec), spec, str(chosen.path(tmp_path)), 0)


def test_a_file_that_is_not_there_is_asked_for(tmp_path):
    chosen = weights_manifest.load("weights:radimagenet-resnet50:training-code")
    with pytest.raises(RequestError, match="weights/RadImageNet-ResNet50_notop.h5. Linked from"):
        chosen.path(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f'sha256 = "{"0" * 64}"', "has the SHA-256 .*, not 0000"),
        ("bytes = 5", "has 4 bytes, not 5: it is cut off"),
        (f'bytes = 4\nsha256 = "{hashlib.sha256(b"file").hexdigest()}"', ""),
    ],
)
def test_length_and_digest_are_checked(tmp_path, manifest, line, message):
    (tmp_path / "mine.h5").write_bytes(b"file")
    chosen = weights_manifest.load(manifest(f"{MINE}{line}\n{INPUT}"), tmp_path)
    if not message:
        assert chosen.path(tmp_path) == tmp_path / "mine.h5"
        return
    with pytest.raises(RequestError, match=message):
        chosen.path(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINE, r"give \[input\], or \[conventions"),
        (MINE.replace("mobilenetv2", "resnet5") + INPUT, "unknown backbone 'resnet5'. Did you mean 'resnet50'"),
        (MINE.replace("mobilenetv2", "efficientnetb0") + INPUT, "has a scaling of its own only"),
        (MINE.replace("mine.h5", "mine.pth") + INPUT, "PyTorch's files can run code"),
        (MINE.replace("mine.h5", "mine.onnx") + INPUT, "a weights file ends in"),
        (MINE.replace("mine.h5", "mine.safetensors") + INPUT, "mine.safetensors is not for 'mobilenetv2'"),
        (MINE.replace("mobilenetv2", "vit-small") + INPUT, "mine.h5 is not for 'vit-small'"),
        (MINE + "[input]\n", "give either scaling"),
        (MINE + '[input]\nscaling = "unit"\norder = "bgr"\n', "give either scaling"),
        (MINE + "[input]\nmean = [0, 0, 0]\n", "give either scaling"),
        (MINE + "[input]\nmean = [0, 0, 0]\nstd = [1, 0, 1]\n", "every std must be above 0"),
        (MINE + '[input]\nscaling = "0..1"\n', "unknown value of 'input.scaling'"),
        (MINE.replace('trained_on = "unknown"\n', "") + INPUT, "'trained_on' is missing"),
        (MINE + INPUT + "pool = 1\n", "unknown key 'input.pool'"),
    ],
)
def test_a_wrong_manifest_is_refused(manifest, tmp_path, text, message):
    with pytest.raises(RequestError, match=message):
        weights_manifest.load(manifest(text), tmp_path)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("weights:radimagenet", "unknown weights 'radimagenet'. Did you mean 'radimagenet-"),
        ("weights:gone.toml", "no weights manifest gone.toml"),
        ("weights:radimagenet-resnet50:mine", "disagrees"),
        ("weights:dinov2-small:mine", "has one convention only; leave 'mine' out"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(reference, message):
    with pytest.raises(RequestError, match=message):
        weights_manifest.load(reference)


def test_a_convention_reads_as_a_formula():
    assert str(Convention(scaling="tf")) == "RGB, (value − (127.5, 127.5, 127.5)) / (127.5, 127.5, 127.5)"


def test_the_manifest_is_a_table_of_its_own():
    given = {
        "title": "a",
        "file": "a.h5",
        "architecture": "vgg16",
        "trained_on": "imagenet",
        "input": {"scaling": "tf"},
    }
    assert validated(WeightsManifest, given, "a").trained_on == ["imagenet"]
