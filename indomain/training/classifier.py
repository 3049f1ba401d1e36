"""Learning classes: a linear head on a backbone, cross-entropy, and optionally a weight for each class."""

from typing import Any

import keras
import numpy as np

from indomain.networks import architecture, inference
from indomain.networks.cache import cached_for
from indomain.training import deep_supervision, second_head
from indomain.training import model as training_model
from indomain.training.batches import Batches, Examples
from indomain.training.model import TrainingModel
from indomain.training.options import LearningOptions
from indomain.training.second_head import SecondHead
from indomain.training.trainer import Trainer


def classifier(
    backbone: keras.Model,
    num_classes: int,
    options: LearningOptions,
    dropout: float,
    rates: dict[str, float] | None = None,
    auxiliary: dict[str, float] | None = None,
    soft: bool = False,
    second: tuple[int, float] | None = None,
) -> TrainingModel:
    """`backbone` with a linear head `logits`, to be trained with cross-entropy; built and compiled once.

    Args:
        backbone: images to features (n, d).
        num_classes: number of logits.
        options: supplies optimizer, momentum, weight decay, clipping and augmentation; the other options are set for each run.
        dropout: share of the features dropped before the head, 0 … 1.
        rates: layer name -> factor on the learning rate of its weights; 1 for layers not listed. The head is `logits`.
        auxiliary: layer name -> weight of the loss of a head on its maps, for deep supervision.
        soft: whether what is learnt are probabilities (n, classes), not classes.
        second: number of classes and weight of a second head on the same features; see `indomain.training.second_head`.
    """
    auxiliary = auxiliary or {}
    settings = options.model_dump_json(include={"optimizer", "momentum", "weight_decay", "clip", "augment"})
    key = (
        "classifier",
        num_classes,
        dropout,
        tuple((rates or {}).items()),
        tuple(auxiliary.items()),
        soft,
        second,
        settings,
    )

    def make() -> TrainingModel:
        network = architecture.with_head(backbone, num_classes, dropout, key)
        loss: keras.losses.Loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        # By its name a metric would be made while the first step is traced, which is then traced twice.
        accuracy: keras.metrics.Metric = keras.metrics.SparseCategoricalAccuracy("accuracy")
        if second:
            network = second_head.with_second(network, second[0])
            loss, accuracy = second_head.Loss(num_classes, second[1]), second_head.accuracy(num_classes)
        if soft:
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)
            accuracy = keras.metrics.CategoricalAccuracy("accuracy")
        if auxiliary:
            network = deep_supervision.with_heads(network, auxiliary)
            loss = deep_supervision.Loss(list(auxiliary.values()))
            accuracy = deep_supervision.accuracy(num_classes)
        return training_model.compiled(
            TrainingModel(network, options.augment),
            options,
            rates,
            loss=loss,
            weighted_metrics=[accuracy],
        )

    return cached_for(backbone, key, make)


def fit_classifier(
    backbone: keras.Model,
    examples: Examples,
    num_classes: int,
    trainer: Trainer,
    rates: dict[str, float] | None = None,
    head: list[np.ndarray] | None = None,
    auxiliary: dict[str, float] | None = None,
    targets: np.ndarray | None = None,
    second: SecondHead | None = None,
) -> tuple[keras.Model, dict[str, Any]]:
    """Puts a linear head on `backbone` and trains both with cross-entropy.

    Args:
        backbone: filled with its initial weights; changed in place.
        examples: "train" is learnt from, "val" (if any) chooses the epoch.
        num_classes: number of classes.
        trainer: its options must be `TrainingOptions`.
        rates: as for `classifier`.
        head: kernel and bias that the head begins with; None: as `options.head_init` says.
        auxiliary: as for `classifier`.
        targets: float (n, classes), probabilities to learn in the place of the classes of "train"; not with `auxiliary`.
        second: a second head on the same features, which learns beside the first; not with `auxiliary` or `targets`.

    Returns:
        The network up to `logits`, and facts for the run's record.

    Raises:
        Diverged: the loss became infinite or NaN.
    """
    options = trainer.options
    beside = (len(second.bias), second.weight) if second else None
    model = classifier(backbone, num_classes, options, options.dropout, rates, auxiliary, targets is not None, beside)
    names = ("logits", *(deep_supervision.head_of(layer) for layer in auxiliary or {}))
    training_model.initialise_head(model, trainer.seed, names)
    for layer in (model.network.get_layer(name) for name in names):
        if layer.name == "logits" and head is not None:
            layer.set_weights(head)
        elif options.head_init == "zeros":
            layer.set_weights([np.zeros(weight.shape, np.float32) for weight in layer.weights])
    if second:
        model.network.get_layer(second_head.NAME).set_weights([second.kernel, second.bias])
    training_model.reset(model, options.learning_rate, trainer.seed)

    def learnt(y: np.ndarray) -> np.ndarray:
        if second:
            return second.targets(y)
        return y if targets is None else np.eye(num_classes, dtype=np.float32)[y]

    rows, y = examples.part("train")
    weights = class_weights(y, num_classes, options.class_weights)
    known = learnt(y) if targets is None else targets
    train = Batches(examples.images, rows, known, weights, options.batch, trainer.seed)
    rows, y = examples.part("val")
    validation = None
    if len(rows):
        weights = class_weights(y, num_classes, options.class_weights)
        validation = Batches(examples.images, rows, learnt(y), weights, max(options.batch, inference.BATCH))
    facts = trainer.fit(model, train, validation)
    return (architecture.up_to(model.network, "logits") if auxiliary or second else model.network), facts


def class_weights(y: np.ndarray, num_classes: int, kind: str) -> np.ndarray | None:
    """One weight per image, inverse to the size of its class, after King & Zeng 2001 (scikit-learn's "balanced").

    Args:
        y: int (n,), class numbers.
        num_classes: number of classes, present or not.
        kind: "balanced", or "none" for no weights.

    Returns:
        float (n,), of mean 1; None for kind "none".
    """
    if kind == "none":
        return None
    # n images, of which n_c are of class c, and K classes that have images: the weight of class c is
    #     w_c = n / (K · n_c).
    # The weights of each class then add up to n_c · w_c = n / K, the same for all K classes, and those of all images
    # to n: their mean is 1, so that weighting leaves the scale of the loss alone.
    # Classes without images have n_c = 0 but no image to be weighted; max(n_c, 1) only avoids dividing by zero.
    counts = np.bincount(y, minlength=num_classes)
    return (len(y) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[y]
