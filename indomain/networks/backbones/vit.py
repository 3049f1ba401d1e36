"""Vision transformers, small and base: plain (Dosovitskiy et al. 2021, arXiv:2010.11929) and DINOv2 (Oquab et al. 2023,
arXiv:2304.07193), as flat graphs of named layers.

The last tokens of the patches are put back into a map, `maps`, of which `pool` is the mean, so that freezing, Grad-CAM and
fusion treat them like any other network. Weights come from `.safetensors` files in the layout of Hugging Face's transformers,
by a weights manifest: DINOv2, RAD-DINO and others of their kind; Google's ViT.

Differences: DINOv2's scales of residual branches are multiplied into the projections before them, which computes the same;
there is no stochastic depth; networks with register tokens are not read.
"""

import re
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain.errors import RequestError
from indomain.networks.backbones import image_input
from indomain.networks.backbones.scaling import TF, TORCH, Scaling

# Depth, dimension of the tokens, number of heads.
_SIZES = {"small": (12, 384, 6), "base": (12, 768, 12)}
# name -> (size, side of a patch in pixels, input scaling)
FAMILIES: dict[str, tuple[str, int, Scaling]] = {
    "vit-small": ("small", 16, TF),
    "vit-base": ("base", 16, TF),
    "dinov2-small": ("small", 14, TORCH),
    "dinov2-base": ("base", 14, TORCH),
}
# A layer's name in our graph, without its block's number -> its name in a file of DINOv2, and of a plain ViT.
_IN_FILE = {
    "norm1": ("norm1", "layernorm_before"),
    "query": ("attention.attention.query", "attention.attention.query"),
    "key": ("attention.attention.key", "attention.attention.key"),
    "value": ("attention.attention.value", "attention.attention.value"),
    "projection": ("attention.output.dense", "attention.output.dense"),
    "norm2": ("norm2", "layernorm_after"),
    "mlp1": ("mlp.fc1", "intermediate.dense"),
    "mlp2": ("mlp.fc2", "output.dense"),
}
# Layers whose output DINOv2 scales.
_SCALED = {"projection": "layer_scale1.lambda1", "mlp2": "layer_scale2.lambda1"}


@keras.saving.register_keras_serializable("indomain")
class Positions(keras.layers.Layer):
    """Puts a class token before the tokens of the patches, and adds an embedding of its position to each.

    The class token's own embedding is part of it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.class_token_initializer = keras.initializers.TruncatedNormal(stddev=0.02)
        self.positions_initializer = keras.initializers.TruncatedNormal(stddev=0.02)

    def build(self, input_shape: tuple) -> None:
        """Creates the weights for tokens of shape (n, patches, dimension)."""
        _, patches, dimension = input_shape
        self.class_token = self.add_weight(
            name="class_token", shape=(1, 1, dimension), initializer=self.class_token_initializer
        )
        self.positions = self.add_weight(
            name="positions", shape=(1, patches, dimension), initializer=self.positions_initializer
        )

    def call(self, tokens: Any) -> Any:
        """The tokens (n, 1 + patches, dimension)."""
        first = keras.ops.broadcast_to(
            keras.ops.cast(self.class_token, tokens.dtype), (keras.ops.shape(tokens)[0], 1, tokens.shape[-1])
        )
        return keras.ops.concatenate([first, tokens + keras.ops.cast(self.positions, tokens.dtype)], axis=1)


def _build(
    name: str, shape: tuple[int, int, int], size: int | None = None, scaling: Scaling | None = None
) -> keras.Model:
    """One of the families with random weights; output: the features of `pool`.

    Args:
        name: a key of FAMILIES.
        shape: (rows, columns, channels); a grey channel is repeated three times inside.
        size: as for `indomain.networks.backbones.build`.
        scaling: likewise.

    Raises:
        RequestError: the images cannot be cut into whole patches.
    """
    kind, patch, own = FAMILIES[name]
    sides = (size, size) if size else shape[:2]
    if any(side % patch for side in sides):
        near = max(patch, round(min(sides) / patch) * patch)
        raise RequestError(
            f"backbone {name!r} cuts images into patches of {patch}×{patch} pixels, and {sides[0]}×{sides[1]} is not a multiple "
            f'of it. Give the backbone a size: {{ name = "{name}", size = {near} }}.'
        )
    depth, dimension, heads = _SIZES[kind]
    inputs, x = image_input.image(shape, size)
    x = image_input.rgb(x)
    x = image_input.scaled(x, scaling or own)
    x = keras.layers.Conv2D(dimension, patch, patch, name="patches")(x)
    rows, columns = x.shape[1:3]
    x = keras.layers.Reshape((rows * columns, dimension), name="tokens")(x)
    x = Positions(name="positions")(x)
    for number in range(depth):
        x = _block(x, heads, f"block{number}")
    x = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(x)
    x = keras.layers.Cropping1D((1, 0), name="without_class_token")(x)
    maps = keras.layers.Reshape((rows, columns, dimension), name="maps")(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(maps), name=name)


def _block(x: keras.KerasTensor, heads: int, name: str) -> keras.KerasTensor:
    """Attention between the tokens, then a perceptron on each, both on normalised tokens and added to what there was."""
    length, dimension = x.shape[1:]
    normed = keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm1")(x)
    of_heads = [
        keras.layers.Reshape((length, heads, dimension // heads), name=f"{name}_{part}_heads")(
            keras.layers.Dense(dimension, kernel_initializer=_initializer(), name=f"{name}_{part}")(normed)
        )
        for part in ("query", "key", "value")
    ]
    attended = keras.layers.Reshape((length, dimension), name=f"{name}_attended")(
        keras.ops.dot_product_attention(*of_heads)
    )
    attended = keras.layers.Dense(dimension, kernel_initializer=_initializer(), name=f"{name}_projection")(attended)
    x = keras.layers.Add(name=f"{name}_add1")([x, attended])
    normed = keras.layers.LayerNormalization(epsilon=1e-6, name=f"{name}_norm2")(x)
    hidden = keras.layers.Dense(
        4 * dimension, activation="gelu", kernel_initializer=_initializer(), name=f"{name}_mlp1"
    )(normed)
    hidden = keras.layers.Dense(dimension, kernel_initializer=_initializer(), name=f"{name}_mlp2")(hidden)
    return keras.layers.Add(name=f"{name}_add2")([x, hidden])


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.TruncatedNormal(stddev=0.02)


def load_safetensors(model: keras.Model, path: Path) -> None:
    """Fills a backbone with the weights of a file in the layout of transformers; position embeddings are interpolated.

    Args:
        model: a network of this file; changed in place.
        path: the `.safetensors` file.

    Raises:
        RequestError: it is no such file, belongs to another architecture, size or patch, or holds values that are not finite.
    """
    tensors = _tensors(path)
    is_dinov2 = FAMILIES[model.name][1] == 14
    _check_architecture(model, tensors, path)
    for layer in model.layers:
        if not layer.weights:
            continue
        if isinstance(layer, Positions):
            values = _positions(layer, tensors, model.get_layer("patches").output.shape[1:3], path)
        else:
            values = _values_of(layer, tensors, is_dinov2, path)
        for variable, value in zip(layer.weights, values):
            if tuple(variable.shape) != value.shape:
                raise RequestError(
                    f"{path} does not fit backbone {model.name!r}: {layer.name} has the shape {value.shape} there, not "
                    f"{tuple(variable.shape)}."
                )
            if not np.isfinite(value).all():
                raise RequestError(
                    f"{path}: the weights of {layer.name} are not finite. The file is damaged; get it again."
                )
            variable.assign(value)


def _tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of the file by name, without what stands before "embeddings." or "encoder." in it."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        named = load_file(path)
    except (SafetensorError, OSError, TypeError, KeyError) as error:
        raise RequestError(
            f"{path} cannot be read: {error}. It must be a .safetensors file of 32- or 16-bit floating-point numbers."
        ) from None
    pattern = re.compile(r"^(?:\w+\.)?(?=embeddings\.|encoder\.|layernorm\.)")
    return {pattern.sub("", name): np.asarray(value, np.float32) for name, value in named.items()}


def _check_architecture(model: keras.Model, tensors: dict[str, np.ndarray], path: Path) -> None:
    """Raises a RequestError that says which network a file is of, if it is not this one."""
    kind, patch, _ = FAMILIES[model.name]
    kernel = tensors.get("embeddings.patch_embeddings.projection.weight")
    if kernel is None or kernel.ndim != 4:
        known = ", ".join(list(tensors)[:3])
        raise RequestError(
            f"{path} is not a ViT or DINOv2 in the layout of transformers: it has no "
            f"embeddings.patch_embeddings.projection.weight, but {known} ..."
        )
    depth, dimension, _ = _SIZES[kind]
    blocks = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    found = (len(blocks), *kernel.shape)
    expected = (depth, dimension, 3, patch, patch)
    is_dinov2 = "encoder.layer.0.layer_scale1.lambda1" in tensors
    if found != expected or is_dinov2 != (patch == 14):
        raise RequestError(
            f"{path} is a {'DINOv2' if is_dinov2 else 'plain ViT'} of {found[0]} blocks of {found[1]} for {found[2]} channels "
            f"and patches of {found[3]}×{found[4]}; backbone {model.name!r} is a {'DINOv2' if patch == 14 else 'plain ViT'} of "
            f"{depth} blocks of {dimension} for 3 channels and patches of {patch}×{patch}."
        )
    if "embeddings.register_tokens" in tensors:
        raise RequestError(
            f"{path} has register tokens, which this network lacks. Compute its features elsewhere: docs/beginnings.md."
        )


def _values_of(
    layer: keras.layers.Layer, tensors: dict[str, np.ndarray], is_dinov2: bool, path: Path
) -> list[np.ndarray]:
    """The weights of a layer, in Keras' order of axes."""
    block, _, part = layer.name.rpartition("_")
    before = f"encoder.layer.{block.removeprefix('block')}."
    if layer.name == "patches":
        name = "embeddings.patch_embeddings.projection"
    else:
        name = before + _IN_FILE[part][0 if is_dinov2 else 1] if block else "layernorm"
    try:
        weight, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        scale = tensors[before + _SCALED[part]] if is_dinov2 and part in _SCALED else 1.0
    except KeyError as error:
        raise RequestError(f"{path} lacks {error}, which layer {layer.name} needs.") from None
    if isinstance(layer, keras.layers.LayerNormalization):
        return [weight, bias]
    axes = (2, 3, 1, 0) if weight.ndim == 4 else (1, 0)
    return [weight.transpose(axes) * scale, bias * scale]


def _positions(layer: Positions, tensors: dict[str, np.ndarray], grid: tuple[int, int], path: Path) -> list[np.ndarray]:
    """The class token and the position embeddings, interpolated to the grid of patches by Keras' bicubic.

    PyTorch's cubic is another one, and the authors' code shifts it by a tenth of a patch: the difference is small.
    """
    try:
        token, embeddings = tensors["embeddings.cls_token"], tensors["embeddings.position_embeddings"]
    except KeyError as error:
        raise RequestError(f"{path} lacks {error}.") from None
    patches = embeddings[:, 1:]
    side = round(patches.shape[1] ** 0.5)
    if side**2 != patches.shape[1]:
        raise RequestError(f"{path}: {patches.shape[1]} position embeddings are not of a square grid of patches.")
    if grid != (side, side):
        maps = patches.reshape(1, side, side, -1)
        patches = np.asarray(keras.ops.image.resize(maps, grid, interpolation="bicubic", antialias=False))
        patches = patches.reshape(1, grid[0] * grid[1], -1)
    return [token + embeddings[:, :1], patches]


vit_small = partial(_build, "vit-small")
vit_base = partial(_build, "vit-base")
dinov2_small = partial(_build, "dinov2-small")
dinov2_base = partial(_build, "dinov2-base")
