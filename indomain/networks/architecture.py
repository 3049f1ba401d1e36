"""Architectures: a backbone by its name, a head put on it, a part of it; each is built once in a process."""

from typing import Any

import keras

from indomain.errors import unknown
from indomain.networks import backbones
from indomain.networks.cache import cached, cached_for


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
