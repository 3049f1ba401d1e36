"""Vision transformers are compared with keras-hub's, which reads the same made-up checkpoint by code of its own."""

import json

import keras
import numpy as np
import pytest

from indomain.errors import RequestError
from indomain.networks import architecture, backbones, inference, weights
from indomain.networks.backbones import vit
from indomain.networks.backbones.scaling import Scaling
from indomain.networks.options import Architecture

DEPTH, WIDTH, HEADS = 2, 32, 4
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 56, 56, 3)).astype(np.float32)


@pytest.fixture
def tiny(monkeypatch):
    """Two blocks of 32 instead of twelve of 384, so that a checkpoint is quickly made."""
    monkeypatch.setitem(vit._SIZES, "small", (DEPTH, WIDTH, HEADS))


def checkpoint(dinov2: bool, patch: int, grid: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights under the names of transformers, in PyTorch's order of axes."""
    rng = np.random.default_rng(seed)

    def drawn(*shape):
        return rng.normal(0, 0.3, shape).astype(np.float32)

    named = {
        "embeddings.cls_token": drawn(1, 1, WIDTH),
        "embeddings.position_embeddings": drawn(1, 1 + grid**2, WIDTH),
        "embeddings.patch_embeddings.projection.weight": drawn(WIDTH, 3, patch, patch) / 10,
        "embeddings.patch_embeddings.projection.bias": drawn(WIDTH),
        "layernorm.weight": 1 + drawn(WIDTH),
        "layernorm.bias": drawn(WIDTH),
    }
    if dinov2:
        named["embeddings.mask_token"] = drawn(1, WIDTH)
    for block in range(DEPTH):
        before = f"encoder.layer.{block}."
        shapes = {"attention.attention.query": WIDTH, "attention.attention.key": WIDTH}
        shapes |= {"attention.attention.value": WIDTH, "attention.output.dense": WIDTH}
        wide, back = ("mlp.fc1", "mlp.fc2") if dinov2 else ("intermediate.dense", "output.dense")
        for name in shapes:
            named[f"{before}{name}.weight"], named[f"{before}{name}.bias"] = drawn(WIDTH, WIDTH), drawn(WIDTH)
        named[f"{before}{wide}.weight"], named[f"{before}{wide}.bias"] = drawn(4 * WIDTH, WIDTH), drawn(4 * WIDTH)
        named[f"{before}{back}.weight"], named[f"{before}{back}.bias"] = drawn(WIDTH, 4 * WIDTH), drawn(WIDTH)
        for norm in ("norm1", "norm2") if dinov2 else ("layernorm_before", "layernorm_after"):
            named[f"{before}{norm}.weight"], named[f"{before}{norm}.bias"] = 1 + drawn(WIDTH), drawn(WIDTH)
        if dinov2:
            named |= {f"{before}layer_scale{number}.lambda1": 1 + drawn(WIDTH) for number in (1, 2)}
    return named if dinov2 else {f"vit.{name}": value for name, value in named.items()}


def write(path, tensors):
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, path)
    return path


def config(dinov2: bool, patch: int, side: int) -> dict:
    shared = {
        "image_size": side,
        "patch_size": patch,
        "num_hidden_layers": DEPTH,
        "hidden_size": WIDTH,
        "num_attention_heads": HEADS,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "qkv_bias": True,
    }
    if not dinov2:
        return {**shared, "model_type": "vit", "intermediate_size": 4 * WIDTH}
    more = {"mlp_ratio": 4, "layerscale_value": 1.0, "use_swiglu_ffn": False, "drop_path_rate": 0.0}
    return {**shared, **more, "model_type": "dinov2"}


@pytest.mark.parametrize(
    ("name", "patch", "side"), [("vit-small", 16, 48), ("dinov2-small", 14, 56), ("dinov2-small", 14, 84)]
)
def test_tokens_are_those_of_keras_hub_on_the_same_checkpoint(tiny, tmp_path, name, patch, side):
    import keras_hub

    dinov2 = patch == 14
    # DINOv2's checkpoint is of another size than the images in one of the cases: its positions are interpolated.
    trained = 56 if dinov2 else side
    path = write(tmp_path / "preset/model.safetensors", checkpoint(dinov2, patch, trained // patch))
    (tmp_path / "preset/config.json").write_text(json.dumps(config(dinov2, patch, trained)))
    more = {"image_shape": (side, side, 3)} if side != trained else {}
    theirs = keras_hub.models.Backbone.from_preset(str(tmp_path / "preset"), **more)
    model = backbones.build(name, (side, side, 3))
    vit.load_safetensors(model, path)

    pixels = np.random.default_rng(1).integers(0, 256, (2, side, side, 3)).astype(np.float32)
    scaled = keras.Model(model.input, model.get_layer("scaling").output).predict_on_batch(pixels)
    expected = theirs.predict_on_batch({"images": scaled} if dinov2 else scaled)[:, 1:]
    maps = architecture.up_to(model, "maps").predict_on_batch(pixels)
    assert np.allclose(maps.reshape(expected.shape), expected, atol=2e-5 * np.abs(expected).max())
    assert np.allclose(model.predict_on_batch(pixels), expected.mean(axis=1), atol=2e-5 * np.abs(expected).max())


def test_a_token_knows_where_it_is(tiny, tmp_path):
    model = backbones.build("dinov2-small", (56, 56, 3))
    vit.load_safetensors(model, write(tmp_path / "m.safetensors", checkpoint(True, 14, 4)))
    mirrored = model.predict_on_batch(IMAGES[:, :, ::-1])
    assert not np.allclose(model.predict_on_batch(IMAGES), mirrored, atol=1e-3)


def test_every_weight_is_read(tiny, tmp_path):
    model = backbones.build("dinov2-small", (56, 56, 3))
    weights.initialise(model, 0)
    before = [np.array(variable) for variable in model.weights]
    vit.load_safetensors(model, write(tmp_path / "m.safetensors", checkpoint(True, 14, 4)))
    assert not any(np.array_equal(old, np.array(new)) for old, new in zip(before, model.weights))


def test_every_weight_is_drawn_by_the_seed():
    spec = Architecture("vit-small", 1.0, (32, 32, 1))
    model = architecture.backbone(spec)
    weights.initialise(model, 1)
    kernels = [
        np.array(layer.kernel)
        for layer in model.layers
        if layer.name.startswith("block0") and layer.weights and hasattr(layer, "kernel")
    ]
    same_shape = [kernel.tobytes() for kernel in kernels if kernel.shape == kernels[0].shape]
    assert len(same_shape) == len(set(same_shape)) == 4
    assert np.isfinite(model.predict_on_batch(IMAGES[:, :32, :32, :1])).all()


def test_a_saved_network_reads_back_as_it_was(tiny, tmp_path):
    model = backbones.build("dinov2-small", (56, 56, 3))
    weights.initialise(model, 3)
    weights.save(model, tmp_path / "model.keras")
    loaded = weights.load(tmp_path / "model.keras")
    assert np.array_equal(loaded.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES))


def test_grey_images_are_repeated_and_others_resized(tiny):
    grey = backbones.build("dinov2-small", (30, 40, 1), size=28)
    weights.initialise(grey, 0)
    assert grey.predict_on_batch(IMAGES[:, :30, :40, :1]).shape == (3, WIDTH)


def test_gradients_reach_the_maps(tiny):
    """Grad-CAM and freezing need the last maps to be a layer between the blocks and the head."""
    model = architecture.with_head(backbones.build("vit-small", (48, 48, 3)), 2, 0.0)
    weights.initialise(model, 0)
    assert architecture.maps_layer(model) == "maps" and model.get_layer("maps").output.shape[1:] == (3, 3, WIDTH)
    features = inference.predict_arrays(architecture.up_to(model, "pool"), IMAGES[:, :48, :48])
    assert features.std() > 0


@pytest.mark.parametrize(
    ("name", "shape", "size", "message"),
    [
        ("vit-small", (50, 50, 3), None, r"16×16 pixels, and 50×50 is not.*size = 48"),
        ("dinov2-small", (64, 64, 3), 64, r"14×14 pixels, and 64×64 is not.*size = 70"),
        ("dinov2-base", (8, 8, 3), None, "size = 14"),
    ],
)
def test_images_that_are_no_multiple_of_a_patch_are_refused(name, shape, size, message):
    with pytest.raises(RequestError, match=message):
        backbones.build(name, shape, size=size)


def changed(**changes):
    """A checkpoint of DINOv2 with some tensors replaced, and those that are None left out."""
    named = {**checkpoint(True, 14, 4), **changes}
    return {name: value for name, value in named.items() if value is not None}


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (
            checkpoint(True, 16, 4),
            r"is a DINOv2 of 2 blocks of 32 for 3 channels and patches of 16×16; backbone 'dinov2-small'",
        ),
        (checkpoint(False, 14, 4), "is a plain ViT of 2 blocks"),
        ({"a.weight": np.ones(3, np.float32)}, "is not a ViT or DINOv2 in the layout of transformers"),
        (changed(**{"embeddings.register_tokens": np.ones((1, 4, WIDTH), np.float32)}), "has register tokens"),
        (changed(**{"encoder.layer.1.norm1.bias": None}), "lacks 'encoder.layer.1.norm1.bias'"),
        (changed(**{"embeddings.cls_token": None}), "lacks 'embeddings.cls_token'"),
        (changed(**{"embeddings.position_embeddings": np.ones((1, 16, WIDTH), np.float32)}), "15 position embeddings"),
        (changed(**{"layernorm.bias": np.full(WIDTH, np.nan, np.float32)}), "the weights of norm are not finite"),
        (changed(**{"layernorm.bias": np.ones(5, np.float32)}), r"norm has the shape \(5,\) there"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tiny, tmp_path, tensors, message):
    model = backbones.build("dinov2-small", (56, 56, 3))
    with pytest.raises(RequestError, match=message):
        vit.load_safetensors(model, write(tmp_path / "m.safetensors", tensors))


def test_a_file_that_is_no_safetensors_is_refused(tiny, tmp_path):
    (tmp_path / "m.safetensors").write_bytes(b"no tensors")
    with pytest.raises(RequestError, match="m.safetensors cannot be read"):
        vit.load_safetensors(backbones.build("dinov2-small", (56, 56, 3)), tmp_path / "m.safetensors")


@pytest.mark.parametrize("order", ["bgr", "rgb"])
def test_a_saved_network_does_not_begin_one_of_another_scaling(tiny, tmp_path, order):
    shape, other = (56, 56, 3), Scaling(order, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    weights.save(backbones.build("dinov2-small", shape, scaling=other), tmp_path / "mine.keras")
    spec = Architecture("dinov2-small", 1.0, shape)
    message = "another scaling of its images" if order == "rgb" else "was not written by this package as a backbone"
    with pytest.raises(RequestError, match=message):
        weights.start(architecture.backbone(spec), spec, str(tmp_path / "mine.keras"), 0)
    own = backbones.build("dinov2-small", shape)
    weights.save(own, tmp_path / "own.keras")
    weights.start(backbones.build("dinov2-small", shape), spec, str(tmp_path / "own.keras"), 0)
