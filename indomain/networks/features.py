"""Features: what a network makes of a set's pictures, computed once and read by whoever works on them.

features.npz
    rows        int64 (N,), ascending: places in the prepared set
    features    float32 (N, d)
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain import files
from indomain.errors import Diverged
from indomain.networks import architecture, cache, inference


def write(
    folder: Path, model: keras.Model, pictures: Callable[[np.ndarray], np.ndarray], rows: np.ndarray
) -> dict[str, Any]:
    """Puts the pictures of `rows` through `model` into `folder`/features.npz; returns facts for the run's record.

    Raises:
        Diverged: the network gives features that are no numbers.
    """
    rows = np.unique(rows)
    found = inference.predict(model, pictures, rows)
    if not np.isfinite(found).all():
        raise Diverged("the network's features are no numbers")
    files.write_arrays(folder / "features.npz", {"rows": rows.astype(np.int64), "features": found})
    return {"images": len(rows), "features": int(found.shape[1])}


def extractor(model: keras.Model, layer: str, pooling: list[str]) -> tuple[keras.Model, str]:
    """`model` from its input to one vector of features an image, and the name of the layer that they are of.

    Args:
        model: a network up to `logits` or `scores`.
        layer: its name; "": what the head sees or, for other poolings than the mean, the maps that enter `pool`.
        pooling: how maps become numbers, side by side: "mean", "max", "std" over the places of each channel.
    """
    if not layer:
        layer = architecture.last_features(model) if pooling == ["mean"] else architecture.maps_layer(model)
    part = architecture.up_to(model, layer)
    if len(part.output.shape) != 4:
        return part, layer

    def make() -> keras.Model:
        x = part.output
        kinds = {"mean": keras.ops.mean, "max": keras.ops.max, "std": keras.ops.std}
        pooled = [kinds[kind](x, axis=(1, 2)) for kind in pooling]
        return keras.Model(part.input, keras.ops.concatenate(pooled, axis=-1) if len(pooled) > 1 else pooled[0])

    return cache.cached_for(model, ("pooled", layer, *pooling), make), layer


def stand_in(backbone: keras.Model) -> keras.Model:
    """A network from a backbone's features to the same features: a head put on it learns as on the backbone itself."""

    def make() -> keras.Model:
        inputs = keras.layers.Input(backbone.output_shape[1:], name="features")
        return keras.Model(inputs, keras.layers.Identity(name="pool")(inputs), name=backbone.name)

    return cache.cached(("stand-in", backbone.name, backbone.output_shape[1]), make)


def joined(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """`backbone` with the dropout and the `logits` of a head that was put on its stand-in, as one flat graph."""
    layers = [layer for layer in head.layers if layer.name in ("dropout", "logits")]
    rate = next((layer.rate for layer in layers if layer.name == "dropout"), 0.0)
    classes = head.output_shape[-1]
    whole = cache.cached_for(
        backbone, ("joined", classes, rate), lambda: architecture.with_head(backbone, classes, rate)
    )
    whole.get_layer("logits").set_weights(layers[-1].get_weights())
    return whole
