"""Deep supervision: while a network learns, layers inside it get heads of their own, whose losses are added (Lee et al. 2015).

The heads stand on the average of the layer's maps, learn the same classes, and are thrown away. Lei et al. 2018 supervise a
ResNet-50 so; where their heads stand, and how much they weigh, is not known.
"""

from typing import Any

import keras
from keras import ops

from indomain.errors import RequestError, unknown


def check(backbone: keras.Model, auxiliary: dict[str, float], where: str) -> None:
    """Raises a RequestError unless the layers can have a head.

    Args:
        backbone: the network.
        auxiliary: layer name -> weight of the loss of its head.
        where: the key in the recipe, for the message.

    Raises:
        RequestError: no layer is named, there is no such layer, or it has no maps.
    """
    with_maps = [layer.name for layer in backbone.layers if len(getattr(layer.output, "shape", ())) == 4]
    if not auxiliary:
        raise RequestError(
            f"{where}: deep supervision needs layers with the weight of the loss of their heads, such as "
            f"auxiliary = {{ {with_maps[len(with_maps) // 2]} = 0.3 }}."
        )
    for name in auxiliary:
        if name not in with_maps:
            raise unknown("layer with maps", name, with_maps, f"{where} auxiliary, {backbone.name}")


def with_heads(network: keras.Model, auxiliary: dict[str, float]) -> keras.Model:
    """A classifier and the heads inside it, as one graph; output (n, (1 + heads) · classes), the classifier's own logits first.

    Args:
        network: a classifier that ends in `logits`.
        auxiliary: layer name -> weight of the loss of its head.
    """
    logits = network.get_layer("logits").output
    outputs = [logits]
    for name in auxiliary:
        pooled = keras.layers.GlobalAveragePooling2D(name=f"{name}_auxiliary_pool")(network.get_layer(name).output)
        head = keras.layers.Dense(logits.shape[-1], name=head_of(name), dtype="float32")
        outputs.append(head(pooled))
    return keras.Model(
        network.input, keras.layers.Concatenate(name="all_logits", dtype="float32")(outputs), name=network.name
    )


def head_of(layer: str) -> str:
    """The name of the head of a layer.

    Args:
        layer: the layer's name.
    """
    return f"{layer}_auxiliary"


class Loss(keras.losses.Loss):
    """Cross-entropy of the classifier plus the weighted one of each head.

    Args:
        weights: of the heads, in the order of the outputs.
    """

    def __init__(self, weights: list[float]) -> None:
        super().__init__(name="deep_supervision")
        self.weights = [1.0, *weights]

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each image.

        Args:
            y_true: (n,), classes.
            y_pred: as `with_heads` gives it.
        """
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        parts = ops.split(y_pred, len(self.weights), axis=-1)
        losses = [ops.sparse_categorical_crossentropy(labels, part, from_logits=True) for part in parts]
        return sum(weight * loss for weight, loss in zip(self.weights, losses))


def accuracy(classes: int) -> Any:
    """The accuracy of the classifier itself, as a metric of all outputs.

    Args:
        classes: number of classes.
    """

    def of_logits(y_true: Any, y_pred: Any) -> Any:
        labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
        return ops.cast(ops.argmax(y_pred[:, :classes], axis=-1) == labels, "float32")

    return keras.metrics.MeanMetricWrapper(of_logits, name="accuracy")
