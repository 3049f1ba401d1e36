"""The ImageNet networks of `keras.applications`, each as a flat graph that includes its input scaling."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras

from indomain.errors import RequestError
from indomain.networks.backbones import image_input
from indomain.networks.backbones.scaling import Scaling


def _caffe(x: keras.KerasTensor) -> keras.KerasTensor:
    """RGB 0–255 to BGR minus the ImageNet mean."""
    x = keras.ops.flip(x, axis=-1)
    return keras.layers.Rescaling(1.0, offset=[-103.939, -116.779, -123.68], name="subtract_mean")(x)


def _tf(x: keras.KerasTensor) -> keras.KerasTensor:
    """0–255 to −1 … 1."""
    return keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="centre")(x)


def _torch(x: keras.KerasTensor) -> keras.KerasTensor:
    """0–255 to mean 0 and variance 1 over ImageNet, per channel."""
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    scale = [1 / (255 * d) for d in deviation]
    return keras.layers.Rescaling(scale, offset=[-m / d for m, d in zip(mean, deviation)], name="standardise")(x)


def _efficientnet(x: keras.KerasTensor) -> keras.KerasTensor:
    """0–255 to 255 times the values of `_torch`.

    EfficientNet divides by 255 inside and then standardises with weights that only its ImageNet file holds, within its
    own graph. Here that layer stays neutral, and the same scaling precedes it whatever the chain starts from.
    """
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    offset = [-255 * m / d for m, d in zip(mean, deviation)]
    return keras.layers.Rescaling([1 / d for d in deviation], offset=offset, name="standardise")(x)


def _v2(x: keras.KerasTensor) -> keras.KerasTensor:
    """0–255 to −1 … 1, as EfficientNetV2-S to L divide."""
    return keras.layers.Rescaling(1 / 128, offset=-1.0, name="centre")(x)


# name -> (class in keras.applications, its input scaling, the smallest side in pixels that it accepts)
FAMILIES: dict[str, tuple[str, Callable, int]] = {
    "convnexttiny": ("ConvNeXtTiny", _torch, 32),
    "densenet121": ("DenseNet121", _torch, 32),
    "densenet201": ("DenseNet201", _torch, 32),
    "efficientnetb0": ("EfficientNetB0", _efficientnet, 32),
    "efficientnetv2s": ("EfficientNetV2S", _v2, 32),
    "inceptionresnetv2": ("InceptionResNetV2", _tf, 75),
    "inceptionv3": ("InceptionV3", _tf, 75),
    "mobilenetv2": ("MobileNetV2", _tf, 32),
    "resnet50": ("ResNet50", _caffe, 32),
    "vgg16": ("VGG16", _caffe, 32),
    "vgg19": ("VGG19", _caffe, 32),
    "xception": ("Xception", _tf, 71),
}


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
        RequestError: the images are too small for the network.
    """
    family, own_scaling, smallest = FAMILIES[name]
    if min(size or shape[0], size or shape[1]) < smallest:
        raise RequestError(
            f"backbone {name!r} needs images of at least {smallest}×{smallest}, not {shape[0]}×{shape[1]}."
        )
    inputs, x = image_input.image(shape, size)
    x = image_input.rgb(x)
    # ConvNeXt and EfficientNetV2 would scale by themselves; the others have no such argument.
    own = {"include_preprocessing": False} if name in ("convnexttiny", "efficientnetv2s") else {}
    x = image_input.scaled(x, scaling) if scaling else own_scaling(x)
    network = getattr(keras.applications, family)(include_top=False, weights=None, input_tensor=x, **own)
    if name != "convnexttiny":
        return keras.Model(inputs, keras.layers.GlobalAveragePooling2D(name="pool")(network.output), name=name)
    # Its authors normalise what the pooling returns; Keras, without a pooling of its own, the maps. The maps come from an
    # addition, which has no layer that could be asked for by name.
    network = keras.models.clone_model(keras.Model(inputs, network.layers[-1].input), call_function=_called)
    maps = keras.layers.Identity(name="maps")(network.output)
    pool = keras.layers.GlobalAveragePooling2D(name="pool")(maps)
    norm = keras.layers.LayerNormalization(epsilon=1e-6, name="norm")(pool)
    return keras.Model(network.input, norm, name=name)


def load_imagenet(name: str, model: keras.Model) -> None:
    """Fills a backbone with ImageNet weights from Keras' cache or, if the machine is online, from Keras' server.

    Args:
        name: a key of FAMILIES.
        model: that backbone; changed in place.

    Raises:
        RequestError: neither works; the message names the file and the folder to put it into.
    """
    family = FAMILIES[name][0]
    # Any valid shape will do: the weights of convolutions do not depend on it.
    try:
        plain = getattr(keras.applications, family)(include_top=False, weights="imagenet", input_shape=(96, 96, 3))
    except Exception as error:
        raise _unavailable(name, error) from None
    # By order: some layers have no name of their own.
    for layer, source in zip(_weighted(model), _weighted(plain), strict=True):
        layer.set_weights(source.get_weights())


def _called(layer: keras.layers.Layer, *args: Any, **kwargs: Any) -> keras.KerasTensor:
    """Calls a layer; of a nested model its layers one by one, so that the graph is flat."""
    if not isinstance(layer, keras.Sequential):
        return layer(*args, **kwargs)
    x = args[0]
    for part in layer.layers:
        x = part(x)
    return x


def _weighted(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers with weights that are learnt, those of nested models included, in the graph's order."""
    layers = [part for layer in model.layers for part in getattr(layer, "layers", [layer])]
    return [layer for layer in layers if layer.weights and not isinstance(layer, keras.layers.Normalization)]


def _unavailable(name: str, error: Exception) -> RequestError:
    folder = (
        Path(keras.config.keras_home()) / "models"
        if hasattr(keras.config, "keras_home")
        else Path.home() / ".keras/models"
    )
    address = re.search(r"https?://\S+?\.h5", str(error))
    what = f"Put {address[0]} into {folder}" if address else f"Put its weights file into {folder}"
    return RequestError(
        f"the ImageNet weights of {name!r} cannot be had: {str(error)[:160]}.\n  {what}, or start the chain from your own "
        ".keras file, or use squeezenet or efficientnet-lite0, whose weights are installed with this package."
    )


convnexttiny = partial(_build, "convnexttiny")
densenet121 = partial(_build, "densenet121")
densenet201 = partial(_build, "densenet201")
efficientnetb0 = partial(_build, "efficientnetb0")
efficientnetv2s = partial(_build, "efficientnetv2s")
inceptionresnetv2 = partial(_build, "inceptionresnetv2")
inceptionv3 = partial(_build, "inceptionv3")
mobilenetv2 = partial(_build, "mobilenetv2")
resnet50 = partial(_build, "resnet50")
vgg16 = partial(_build, "vgg16")
vgg19 = partial(_build, "vgg19")
xception = partial(_build, "xception")
