"""Networks made, initialised, loaded and read: one object for each architecture and process, filled with weights as asked.

Building and tracing a network costs seconds, filling it milliseconds: whoever asks for an architecture twice gets the
same object. What it holds is therefore only valid until the next request for the same architecture.
"""

import hashlib
import json
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain import backbones, backend, files
from indomain.errors import RequestError, unknown

_KEPT = 12  # architectures in memory at a time
_CACHE: OrderedDict[tuple, Any] = OrderedDict()
BATCH = 64  # images a forward pass


def cached(key: tuple, make: Callable[[], Any]) -> Any:
    """What `make` gives, made once for `key`; the least used is forgotten."""
    if key not in _CACHE:
        with backend.scope():
            _CACHE[key] = make()
        while len(_CACHE) > _KEPT:
            _CACHE.popitem(last=False)
    _CACHE.move_to_end(key)
    return _CACHE[key]


def forget() -> None:
    """Lets go of every network: those to come are built under other settings."""
    _CACHE.clear()


def cached_for(owner: keras.Model, key: tuple, make: Callable[[], Any]) -> Any:
    """As `cached`, for what shares its weights with `owner`: it belongs to that very object, not to one like it."""
    # The entry holds its owner, so that the id in the key cannot come to mean another object.
    return cached((id(owner), *key), lambda: (owner, make()))[1]


def backbone(spec: dict[str, Any], frozen: float = 0.0) -> keras.Model:
    """A backbone: image (N, rows, columns, channels), 0–255, to features (N, d).

    Args:
        spec: `name`, `shape`, `width` and, where the network resizes, `size`, as in a task's parameters.
        frozen: the first share (0 … 1) of its layers with weights is not trained; neither do the averages of its batch
            normalisation move.
    """

    def make() -> keras.Model:
        model = backbones.build(spec["name"], tuple(spec["shape"]), spec["width"], spec.get("size"))
        with_weights = [layer for layer in model.layers if layer.weights]
        # Set before anything is compiled with these layers: afterwards it would have no effect.
        for layer in with_weights[: round(frozen * len(with_weights))]:
            layer.trainable = False
        return model

    key = ("backbone", spec["name"], tuple(spec["shape"]), spec["width"], spec.get("size"), frozen)
    return cached(key, make)


def with_head(base: keras.Model, classes: int, dropout: float) -> keras.Model:
    """`base` with dropout and a new linear layer `logits`, as one flat graph; output (N, classes), before softmax."""
    x = base.output
    if dropout:
        # A layer without a seed draws one anew in each process, and no run would be repeatable.
        x = keras.layers.Dropout(dropout, seed=2, name="dropout")(x)
    # float32 whatever the precision of the rest: softmax and the loss want the digits.
    logits = keras.layers.Dense(classes, name="logits", dtype="float32")(x)
    return keras.Model(base.input, logits, name=base.name)


def with_scores(model: keras.Model) -> keras.Model:
    """`model` with a softmax layer `scores` on its logits: what is saved, and explained."""
    return keras.Model(model.input, keras.layers.Softmax(name="scores", dtype="float32")(model.output), name=model.name)


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


def start(model: keras.Model, spec: dict[str, Any], beginning: str, seed: int, previous: Path | None = None) -> None:
    """Fills a backbone as the beginning of a chain, or the previous step, says.

    Args:
        model: a backbone of `spec`.
        spec: the task's `backbone` parameters (name, width, shape).
        beginning: "random", "imagenet" or the path of a .keras file.
        previous: the .keras file of the chain's previous step, which replaces all of these.

    Raises:
        RequestError: weights that cannot be had, or a file of another network.
    """
    initialise(model, seed)
    if previous is not None:
        model.load_weights(previous)
    elif beginning == "imagenet":
        backbones.load_imagenet(spec["name"], model)
    elif beginning != "random":
        _load_given(model, Path(beginning))


def check_beginnings(asked: list[tuple[dict[str, Any], str, str]]) -> None:
    """Tries each beginning of a chain once: (backbone parameters, start, path).

    Raises:
        RequestError: ImageNet weights that cannot be had, or a file that does not fit.
    """
    tried = set()
    for spec, beginning, path in asked:
        key = (spec["name"], tuple(spec["shape"]), spec["width"], spec.get("size"), beginning, path)
        if key in tried:
            continue
        tried.add(key)
        # The size is checked even for "random": some networks cannot take small pictures.
        model = backbone(spec)
        if beginning == "imagenet" or path:
            start(model, spec, path or beginning, 0)


def load(path: Path) -> keras.Model:
    """The model of a `.keras` file, for looking at: its architecture is built once, its weights are read."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
    key = ("file", hashlib.sha256(json.dumps(config["config"], sort_keys=True).encode()).hexdigest())
    fresh = key not in _CACHE
    model = cached(key, lambda: keras.saving.load_model(path, compile=False))
    if not fresh:
        model.load_weights(path)
    return model


def save(model: keras.Model, path: Path) -> None:
    """Writes a `.keras` file: it appears whole or not at all."""
    with files.written(path) as temporary:
        model.save(temporary)


def up_to(model: keras.Model, layer: str) -> keras.Model:
    """`model` from its input to the output of the layer of that name.

    Raises:
        RequestError: there is no such layer.
    """
    names = [known.name for known in model.layers]
    if layer not in names:
        raise unknown("layer", layer, names, model.name)
    return cached_for(model, ("up to", layer), lambda: keras.Model(model.input, model.get_layer(layer).output))


def maps_layer(model: keras.Model) -> str:
    """The name of the layer whose maps the layer `pool` averages."""
    return model.get_layer("pool").input._keras_history.operation.name


def last_features(model: keras.Model) -> str:
    """The name of the layer whose output the head sees: the last one before dropout and `logits`."""
    names = [layer.name for layer in model.layers]
    head = names.index("dropout") if "dropout" in names else names.index("logits")
    return names[head - 1]


def predict(model: keras.Model, pictures: Callable[[np.ndarray], np.ndarray], rows: np.ndarray) -> np.ndarray:
    """`model`'s outputs, float32, for the images of `rows`, a batch at a time.

    Args:
        pictures: gives uint8 images for places in a prepared set.
    """
    parts = []
    for begin in range(0, len(rows), BATCH):
        chosen = rows[begin : begin + BATCH]
        # The last batch is filled up: another shape would be traced and compiled anew.
        full = np.concatenate([chosen, np.repeat(chosen[:1], BATCH - len(chosen))])
        batch = pictures(full).astype(np.float32)
        parts.append(np.asarray(model.predict_on_batch(batch), np.float32)[: len(chosen)])
    return np.concatenate(parts)


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
                f"{path} takes pictures of shape {shape}, the recipe gives {expected}. Set size and channels in the recipe "
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
