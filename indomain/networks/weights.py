"""Weights: drawn, loaded from ImageNet, a file or the previous step, and saved."""

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
from indomain.networks.cache import cached
from indomain.networks.options import Architecture


def initialise(model: keras.Model, seed: int) -> None:
    """Draws every weight anew from its layer's own initialiser; the same seed gives the same weights in any process."""
    for layer in model.layers:
        initialise_layer(layer, seed)


def initialise_layer(layer: keras.layers.Layer, seed: int) -> None:
    """As `initialise`, for one layer."""
    if isinstance(layer, keras.layers.Normalization):
        return  # constants of the input's scaling, not weights that are learnt
    for variable in layer.weights:
        initializer = _reseeded(_initializer(layer, variable.name), f"{seed}/{layer.name}/{variable.name}")
        variable.assign(initializer(variable.shape, dtype=variable.dtype))


def start(
    model: keras.Model, architecture: Architecture, beginning: str, seed: int, previous: Path | None = None
) -> None:
    """Fills a backbone with the initial weights of a chain, or those that the previous step left.

    Args:
        model: a backbone of `architecture`.
        architecture: says which ImageNet weights fit.
        beginning: "random", "imagenet" or the path of a .keras file.
        seed: of whatever is drawn.
        previous: the .keras file of the chain's previous step, which replaces all of these.

    Raises:
        RequestError: weights that are not available, or a file of another network.
    """
    initialise(model, seed)
    if previous is not None:
        model.load_weights(previous)
    elif beginning == "imagenet":
        backbones.load_imagenet(architecture.name, model)
    elif beginning != "random":
        _load_given(model, Path(beginning))


def check_starts(starts: Iterable[tuple[Architecture, str, str]]) -> None:
    """Tries each start of a chain once, before any work begins.

    Args:
        starts: architecture, the recipe's word ("random", "imagenet", "sha256:..."), and the path of the file, or "".

    Raises:
        RequestError: ImageNet weights that are not available, or a file that does not fit.
    """
    for architecture, word, path in dict.fromkeys(starts):
        # Built even for "random": some networks cannot take small images.
        model = backbone(architecture)
        if word == "imagenet" or path:
            start(model, architecture, path or word, 0)


def load(path: Path) -> keras.Model:
    """The model of a `.keras` file, for inference: its architecture is built once, its weights are read."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    key = ("file", hashlib.sha256(json.dumps(config["config"], sort_keys=True).encode()).hexdigest())
    model = cached(key, lambda: keras.saving.load_model(path, compile=False))
    model.load_weights(path)
    return model


def save(model: keras.Model, path: Path) -> None:
    """Writes a `.keras` file: it appears whole or not at all."""
    with files.written(path) as temporary:
        model.save(temporary)


def _initializer(layer: keras.layers.Layer, name: str) -> Any:
    """The initialiser of a layer's weight; depthwise and separable convolutions have their own names for it."""
    for candidate in (f"{name}_initializer", f"{name.removesuffix('_kernel')}_initializer", "depthwise_initializer"):
        found = getattr(layer, candidate, None)
        if found is not None:
            return found
    raise RuntimeError(f"layer {layer.name!r}: no initialiser is known for its weight {name!r}")


def _reseeded(initializer: Any, key: str) -> Any:
    config = initializer.get_config()
    if "seed" not in config:
        return initializer
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") >> 1
    return type(initializer).from_config({**config, "seed": seed})


def _load_given(model: keras.Model, path: Path) -> None:
    if not path.is_file():
        raise RequestError(f"the chain starts from {path}, but there is no such file.")
    if path.suffix == ".keras":
        try:
            with zipfile.ZipFile(path) as archive:
                shape = _input_shape(json.loads(archive.read("config.json")))
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise RequestError(f"{path} is no .keras file that Keras 3 has written ({error}).") from None
        expected = tuple(model.input_shape[1:])
        if shape is not None and shape != expected:
            raise RequestError(
                f"{path} takes images of shape {shape}, the recipe gives {expected}. Set size and channels in the recipe "
                "to those of the file, or use another file."
            )
    try:
        model.load_weights(path)
    except Exception as error:
        raise RequestError(f"{path} does not fit backbone {model.name!r}: {str(error)[:300]}") from None


def _input_shape(config: dict[str, Any]) -> tuple[int, ...] | None:
    """The shape of the first input layer in a saved model's configuration."""
    for layer in config.get("config", {}).get("layers", []):
        shape = layer.get("config", {}).get("batch_shape")
        if layer.get("class_name") == "InputLayer" and shape:
            return tuple(shape[1:])
    return None
