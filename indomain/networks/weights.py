"""Weights: initialised, loaded (from ImageNet, a file or the previous step of a chain) and saved."""

import hashlib
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keras

from indomain import files
from indomain.errors import RequestError
from indomain.networks import backbones
from indomain.networks.architecture import backbone
from indomain.networks.backbones.vit import load_safetensors
from indomain.networks.cache import cached
from indomain.networks.options import Architecture


def initialise(model: keras.Model, seed: int) -> None:
    """Re-initialises every weight with its layer's initialiser; the same seed gives the same weights in any process.

    Args:
        model: changed in place.
        seed: each weight's own seed is derived from it and from the names of layer and weight.
    """
    for layer in model.layers:
        initialise_layer(layer, seed)


def initialise_layer(layer: keras.layers.Layer, seed: int) -> None:
    """As `initialise`, for one layer.

    Args:
        layer: changed in place.
        seed: as for `initialise`.
    """
    if isinstance(layer, keras.layers.Normalization):
        return  # its weights are constants that scale the input; nothing is learnt
    for variable in layer.weights:
        initializer = _reseeded(_initializer(layer, variable.name), f"{seed}/{layer.name}/{variable.name}")
        variable.assign(initializer(variable.shape, dtype=variable.dtype))


def start(
    model: keras.Model, architecture: Architecture, beginning: str, seed: int, previous: Path | None = None
) -> None:
    """Fills a backbone with the initial weights of a chain, or with those that the previous step left.

    Args:
        model: a backbone of `architecture`; changed in place.
        architecture: determines which ImageNet weights fit.
        beginning: "random", "imagenet" or the path of a weights file: a .keras file of this package or, where the
            architecture has the scaling of published weights, .keras, .h5 or .safetensors.
        seed: seed of the random initial weights.
        previous: the .keras file of the chain's previous step; it takes precedence over `beginning`.

    Raises:
        RequestError: the weights are not available, or the file belongs to another network.
    """
    initialise(model, seed)
    if previous is not None:
        model.load_weights(previous)
    elif beginning == "imagenet":
        backbones.load_imagenet(architecture.name, model)
    elif beginning != "random":
        _load_file(model, architecture, Path(beginning))


def check_starts(starts: Iterable[tuple[Architecture, str, str]]) -> None:
    """Loads each start of a chain once, so that missing weights are reported before any work begins.

    Args:
        starts: triples of an architecture, the start as a task stores it ("random", "imagenet" or "sha256:..."), and
            the path of the weights file, or "".

    Raises:
        RequestError: ImageNet weights are not available, a file does not fit, or a network cannot take such small
            images.
    """
    for architecture, word, path in dict.fromkeys(starts):
        # Built even for "random": some networks refuse small images.
        model = backbone(architecture)
        if word == "imagenet" or path:
            start(model, architecture, path or word, 0)


def load(path: Path) -> keras.Model:
    """The model in a `.keras` file, for inference; models of the same architecture share one object.

    Args:
        path: the file.
    """
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    key = ("file", hashlib.sha256(json.dumps(config["config"], sort_keys=True).encode()).hexdigest())
    model = cached(key, lambda: keras.saving.load_model(path, compile=False))
    model.load_weights(path)
    return model


def save(model: keras.Model, path: Path) -> None:
    """Writes a `.keras` file; it appears complete or not at all.

    Args:
        model: what to save.
        path: the file.
    """
    with files.written(path) as temporary:
        model.save(temporary)


def _initializer(layer: keras.layers.Layer, name: str) -> Any:
    """The initialiser of a layer's weight; depthwise and separable convolutions name theirs differently."""
    for candidate in (f"{name}_initializer", f"{name.removesuffix('_kernel')}_initializer", "depthwise_initializer"):
        initializer = getattr(layer, candidate, None)
        if initializer is not None:
            return initializer
    if hasattr(layer, "init_values"):  # the scale of a residual branch, in ConvNeXt
        return keras.initializers.Constant(layer.init_values)
    raise RuntimeError(f"layer {layer.name!r}: no initialiser is known for its weight {name!r}")


def _reseeded(initializer: Any, key: str) -> Any:
    config = initializer.get_config()
    if "seed" not in config:
        return initializer
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1
    return type(initializer).from_config({**config, "seed": seed})


def _load_file(model: keras.Model, architecture: Architecture, path: Path) -> None:
    if not path.is_file():
        raise RequestError(f"the chain starts from {path}, but there is no such file.")
    if path.suffix == ".safetensors":
        load_safetensors(model, path)
        return
    if architecture.scaling is None and _check_is_ours(model, path):
        # A network that has been fine-tuned: its head stays behind. By place, since Keras numbers layers without a name.
        for layer, own in zip(model.layers, load(path).layers):
            layer.set_weights(own.get_weights())
        return
    try:
        model.load_weights(path)
    except Exception as error:
        raise RequestError(f"{path} does not fit backbone {model.name!r}: {str(error)[:300]}") from None


def _check_is_ours(model: keras.Model, path: Path) -> bool:
    """Whether the network in a file has a head; raises a RequestError for anything but this backbone with the same scaling."""
    try:
        with zipfile.ZipFile(path) as archive:
            saved = json.loads(archive.read("config.json"))["config"]
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise RequestError(f"{path} is not a .keras file written by Keras 3 ({error}).") from None
    own = json.loads(model.to_json())["config"]
    shape, expected = _input_shape(saved), tuple(model.input_shape[1:])
    # The input layer of this package's networks has a name of its own; what scales the images comes after it.
    is_ours = any(layer.get("config", {}).get("name") == "image" for layer in saved.get("layers", []))
    if is_ours and shape != expected:
        raise RequestError(
            f"{path} takes images of shape {shape}, but those of the recipe have shape {expected}. Set size and "
            "channels in the recipe to those of the file, or use another file."
        )
    if is_ours and saved.get("name") != model.name:
        raise RequestError(f"{path} holds {saved.get('name')!r}; it does not fit backbone {model.name!r}.")
    # Not by the layers' names: Keras numbers those that have none by what else the process has built.
    layers, wanted = ([layer["class_name"] for layer in part.get("layers", [])] for part in (saved, own))
    head = layers[len(wanted) :]
    if layers[: len(wanted)] != wanted or (
        head and (head[-1] != "Softmax" or set(head) - {"Dropout", "Dense", "Softmax"})
    ):
        raise RequestError(
            f"{path} was not written by this package as a backbone {model.name!r}, so that it is not known how its images are "
            'scaled. Describe it in a weights manifest, and start the chain from "weights:PATH.toml"; see docs/beginnings.md.'
        )
    if _rescaling(saved) != _rescaling(own):
        raise RequestError(
            f"{path} was written with another scaling of its images than that of backbone {model.name!r}: it comes from "
            'weights of a manifest. Start the chain from "weights:PATH.toml", with a manifest of this file and that scaling; '
            "see docs/beginnings.md."
        )
    return bool(head)


def _rescaling(config: dict[str, Any]) -> list[Any]:
    """What the layers that scale images multiply by and add, in a model's configuration."""
    layers = [layer["config"] for layer in config["layers"] if layer["class_name"] == "Rescaling"]
    return [[layer["scale"], layer["offset"]] for layer in layers]


def _input_shape(config: dict[str, Any]) -> tuple[int, ...] | None:
    """The shape of the first input layer in a saved model's configuration."""
    for layer in config.get("layers", []):
        shape = layer.get("config", {}).get("batch_shape")
        if layer.get("class_name") == "InputLayer" and shape:
            return tuple(shape[1:])
    return None
