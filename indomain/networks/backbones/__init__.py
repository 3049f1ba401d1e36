"""Backbones: flat functional Keras models from an image, 0–255, to its features.

Each takes `(rows, columns, channels)` with 1 or 3 channels, scales the values itself, and ends in one vector an image.
The layer named `pool` is the global average of the last feature maps; Grad-CAM looks at what enters it.
This file imports no Keras, so that recipes are checked at once.

    image_input    where every backbone begins
    dcnn           the DCNN of Alzubaidi et al. 2021 and its light sibling
    squeezenet     SqueezeNet 1.1, its ImageNet weights in the package `ndf`
    applications   networks of `keras.applications`
"""

from typing import TYPE_CHECKING

from indomain.errors import RequestError, look_up

if TYPE_CHECKING:
    import keras

_APPLICATIONS = (
    "densenet121",
    "densenet201",
    "efficientnetb0",
    "inceptionresnetv2",
    "inceptionv3",
    "mobilenetv2",
    "resnet50",
    "vgg16",
    "vgg19",
    "xception",
)
BACKBONES = {
    "dcnn": "indomain.networks.backbones.dcnn:dcnn",
    "dcnn-light": "indomain.networks.backbones.dcnn:dcnn_light",
    "squeezenet": "indomain.networks.backbones.squeezenet:squeezenet",
    **{name: f"indomain.networks.backbones.applications:{name}" for name in _APPLICATIONS},
}
# Those with ImageNet weights, and what loads them into a model.
IMAGENET = {
    "squeezenet": "indomain.networks.backbones.squeezenet:load_imagenet",
    **{name: "indomain.networks.backbones.applications:load_imagenet" for name in _APPLICATIONS},
}
# The side of the pictures that each was trained on, in pixels (Keras' applications; Iandola's and Alzubaidi's scripts).
OWN_SIZE = {
    **dict.fromkeys(BACKBONES, 224),
    "squeezenet": 227,
    **dict.fromkeys(("inceptionresnetv2", "inceptionv3", "xception"), 299),
}
# Layers whose filters `width` multiplies exist only here.
WITH_WIDTH = ("dcnn", "dcnn-light")
# Four filters in the narrowest layer. With two, TensorFlow 2.21's convolutions on CPUs (oneDNN) write beyond their memory in
# batches of nine images or fewer, and the process dies.
LEAST_WIDTH = 0.125


def build(name: str, shape: tuple[int, int, int], width: float = 1.0, size: int | None = None) -> "keras.Model":
    """A new backbone with random weights.

    Args:
        shape: (rows, columns, channels) of the pictures; channels 1 or 3.
        width: multiplies the filters of `dcnn` and `dcnn-light`.
        size: side of the square that the network resizes the pictures to; None: it takes them as they are.

    Raises:
        RequestError: an unknown name, a width where there is none, or pictures smaller than the network can take.
    """
    function = look_up(BACKBONES, name, "backbone")
    if width != 1 and name not in WITH_WIDTH:
        raise RequestError(f"backbone {name!r} has no width; {', '.join(WITH_WIDTH)} have.")
    if width < LEAST_WIDTH:
        raise RequestError(
            f"backbone {name!r}: a width of {width:g} leaves too few filters; the least is {LEAST_WIDTH:g}."
        )
    if shape[-1] not in (1, 3):
        raise RequestError(f"backbone {name!r}: pictures have 1 or 3 channels, not {shape[-1]}.")
    import keras

    # Some networks of Keras have dropout layers inside that draw their own seed when they are built.
    keras.utils.set_random_seed(0)
    try:
        return function(shape, width, size=size) if name in WITH_WIDTH else function(shape, size=size)
    except ValueError as error:
        raise RequestError(
            f"backbone {name!r} cannot be built for pictures of {shape[0]}×{shape[1]}: {error}"
        ) from error


def load_imagenet(name: str, model: "keras.Model") -> None:
    """Fills a backbone with its ImageNet weights.

    Raises:
        RequestError: there are none for this backbone, or they cannot be had here.
    """
    if name not in IMAGENET:
        raise RequestError(f"there are no ImageNet weights for {name!r}; for {', '.join(sorted(IMAGENET))} there are.")
    look_up(IMAGENET, name, "backbone")(name, model)
