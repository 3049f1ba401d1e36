"""Networks without weights: a backbone, a backbone with a head, a part of a network. Each is built once per process."""

import keras

from indomain.errors import unknown
from indomain.networks import backbones
from indomain.networks.cache import cached, cached_for
from indomain.networks.options import Architecture


def backbone(architecture: Architecture, frozen: float = 0.0, trained: tuple[str, ...] | None = None) -> keras.Model:
    """A backbone: images (n, rows, columns, channels), 0–255, to features (n, d).

    Args:
        architecture: which backbone, and the shape of its images.
        frozen: this share of the weighted layers, 0 … 1, counted from the input, is frozen, batch-norm statistics
            included.
        trained: the names of the layers that can be trained, all others being frozen; None: as `frozen` says.

    Returns:
        The cached model; its weights are valid until the next request for the same architecture.
    """

    def make() -> keras.Model:
        model = backbones.build(
            architecture.name, architecture.shape, architecture.width, architecture.size, architecture.scaling
        )
        weighted = [layer for layer in model.layers if layer.weights]
        # Keras reads `trainable` when a model is compiled: setting it later would have no effect.
        kept = weighted[: round(frozen * len(weighted))]
        if trained is not None:
            kept = [layer for layer in weighted if layer.name not in trained]
        for layer in kept:
            layer.trainable = False
        return model

    return cached(("backbone", architecture, frozen, trained), make)


def with_head(base: keras.Model, num_classes: int, dropout: float, user: tuple = ()) -> keras.Model:
    """`base` with dropout and a new linear layer `logits`, as one flat graph; output (n, num_classes), before softmax.

    Args:
        base: a network that ends in one vector per image.
        num_classes: number of logits.
        dropout: share of the features dropped while training, 0 … 1; 0 adds no layer.
        user: key of the caller; each caller gets a separate head with its own random state.
    """

    def make() -> keras.Model:
        x = base.output
        if dropout:
            # Without a seed the layer would draw a different one in each process, and no run would be repeatable.
            x = keras.layers.Dropout(dropout, seed=2, name="dropout")(x)
        # float32 whatever the precision of the rest: softmax and the loss need the accuracy.
        logits = keras.layers.Dense(num_classes, name="logits", dtype="float32")(x)
        return keras.Model(base.input, logits, name=base.name)

    return cached_for(base, ("head", num_classes, dropout, *user), make)


def with_scores(model: keras.Model) -> keras.Model:
    """`model` with a softmax layer `scores` on its logits: the network that is saved and explained.

    Args:
        model: a network that ends in `logits`, (n, classes).
    """

    def make() -> keras.Model:
        scores = keras.layers.Softmax(name="scores", dtype="float32")(model.output)
        return keras.Model(model.input, scores, name=model.name)

    return cached_for(model, ("scores",), make)


def up_to(model: keras.Model, layer: str) -> keras.Model:
    """`model` from its input to the output of one of its layers.

    Args:
        model: any functional model.
        layer: the layer's name.

    Raises:
        RequestError: there is no such layer.
    """
    names = [known.name for known in model.layers]
    if layer not in names:
        raise unknown("layer", layer, names, model.name)
    return cached_for(model, ("up to", layer), lambda: keras.Model(model.input, model.get_layer(layer).output))


def maps_layer(model: keras.Model) -> str:
    """The name of the layer whose feature maps the global average `pool` takes as input."""
    return model.get_layer("pool").input._keras_history.operation.name


def last_features(model: keras.Model) -> str:
    """The name of the layer whose output the head takes as input: the last one before dropout and `logits`."""
    names = [layer.name for layer in model.layers]
    head = names.index("dropout") if "dropout" in names else names.index("logits")
    return names[head - 1]
