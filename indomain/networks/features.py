"""Features at a layer of a network, pooled; and a head that is trained on stored features."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from indomain.artifacts.features import write_features
from indomain.errors import Diverged
from indomain.networks import architecture, inference
from indomain.networks.cache import cached, cached_for


def extract(
    folder: Path, model: keras.Model, images: Callable[[np.ndarray], np.ndarray], rows: np.ndarray
) -> dict[str, Any]:
    """Computes a network's features of images and writes them to `folder`/features.npz.

    Args:
        folder: the run's folder.
        model: images (n, rows, columns, channels), 0–255, to features (n, d).
        images: returns the uint8 images for an array of pool rows.
        rows: pool rows of the images wanted, int (n,); duplicates are computed once.

    Returns:
        Facts for the run's record: the number of images and of features.

    Raises:
        Diverged: some features are not finite.
    """
    rows = np.unique(rows)
    features = inference.predict(model, images, rows)
    if not np.isfinite(features).all():
        raise Diverged("the network's features are not finite")
    write_features(folder, rows, features)
    return {"images": len(rows), "features": int(features.shape[1])}


def extractor(model: keras.Model, layer: str, pooling: list[str]) -> tuple[keras.Model, str]:
    """`model` from its input to one vector of pooled features per image, and the name of the layer they come from.

    Args:
        model: a network up to `logits` or `scores`.
        layer: name of the layer; "" means the input of the head, or, for any pooling but the plain mean, the feature
            maps that enter `pool`.
        pooling: the statistics over the positions of each channel, concatenated in this order: "mean", "max", "std".

    Raises:
        RequestError: there is no such layer.
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

    return cached_for(model, ("pooled", layer, *pooling), make), layer


def stand_in(name: str, width: int) -> keras.Model:
    """A network that returns the features it is given, in place of a backbone.

    A head that is trained on it with stored features learns exactly as it would on the backbone.

    Args:
        name: of the backbone.
        width: the number of features.
    """

    def make() -> keras.Model:
        inputs = keras.layers.Input((width,), name="features")
        return keras.Model(inputs, keras.layers.Identity(name="pool")(inputs), name=name)

    return cached(("stand-in", name, width), make)


def graft(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """`backbone` with the dropout and `logits` of a head that was trained on its stand-in, as one flat graph.

    Args:
        backbone: the network that the head's features came from.
        head: a `stand_in` with a head, trained.
    """
    layers = [layer for layer in head.layers if layer.name in ("dropout", "logits")]
    rate = next((layer.rate for layer in layers if layer.name == "dropout"), 0.0)
    model = architecture.with_head(backbone, head.output_shape[-1], rate, ("grafted",))
    model.get_layer("logits").set_weights(layers[-1].get_weights())
    return model
